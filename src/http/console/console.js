// Looks again at what is still open, without loading the page anew. Without it the page loads itself again.
"use strict";
const live = document.querySelector("[data-live=open]");
if (live) {
  const again = Number(live.dataset.again) * 1000;
  let section = live;
  const look = async () => {
    if (document.hidden) {
      return;
    }
    let answer;
    try {
      answer = await fetch(location.href, { credentials: "same-origin", redirect: "error", headers: { accept: "text/html" } });
    } catch {
      return;
    }
    if (!answer.ok) {
      return;
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(section.id);
    // What stays as it is is not said again to whoever listens.
    if (!fresh || fresh.textContent === section.textContent) {
      return;
    }
    section.replaceChildren(...document.importNode(fresh, true).childNodes);
    if (fresh.dataset.live === "done") {
      clearInterval(timer);
    }
  };
  const timer = setInterval(look, again);
}
