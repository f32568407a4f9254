// Goes wherever a link leads, one page of each kind in each collaboration, and looks at each; notes every form on the way.
// Must not know what pages say.

import { routed, seen } from "./watched.mjs";

// Every page that is reached from the first on, of these collaborations alone (`own` is looked at for itself); forms by where they are sent.
export async function tour(person, names, own = undefined, forms = new Map()) {
  const { page, findings } = person;
  // What axe says of a page in one collaboration it says in the other, but where texts are of another kind.
  const called = (path) => path.split("/").slice(3).map((part) => (names.includes(part) && part !== own ? "*" : part)).join(" ");
  const waiting = ["/console", ...names.map((name) => `/console/collaborations/${name}`)];
  const known = new Set(waiting.map(kind));
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const answer = await page.goto(next);
    if (answer.status() !== 200) {
      findings.add(`${person.name}, tour`, `a link leads to ${answer.status()}: ${next}`);
    }
    await person.check(`tour ${called(kind(next))}`);
    const { links, sent } = await page.evaluate(found);
    for (const form of sent) {
      const key = `${routed(form.action)} ${names.find((name) => form.action.includes(`/${name}/`)) ?? ""}`;
      if (!forms.has(key)) {
        forms.set(key, { ...form, from: next });
      }
    }
    for (const link of links.filter((one) => within(one, names) && !known.has(kind(one)))) {
      known.add(kind(link));
      waiting.push(link);
    }
  }
  return forms;
}

// What a hostile text carries is read as a text, and what hides in it is named.
export async function isText(person, name) {
  const { page } = person;
  await page.goto(`/console/collaborations/${name}`);
  const purpose = page.locator("dd").filter({ hasText: "window.__pwned=1" });
  await seen(purpose.getByText("<script>", { exact: false }), "that markup in a text is a text");
  for (const hidden of ["U+202E", "U+2066", "U+200B"]) {
    await seen(purpose.getByText(hidden), `that ${hidden} is named`);
  }
  await seen(page.getByRole("table", { name: "Members and where each stands" }).getByText("onerror=").first(), "a member's name as it is written");
}

// A version of a template that waits is read beside the one in force, and by itself; only the one in force can be run.
export async function waitsBeside(person, name) {
  const { page } = person;
  await page.goto(`/console/collaborations/${name}/templates/overlap`);
  const waiting = page.getByRole("region", { name: "In the agreement that waits" });
  await seen(waiting.getByText("c.region <>").first(), "the text of the version that waits");
  await seen(page.getByRole("button", { name: "Run overlap" }), "that the one in force can be run");
  await person.check("a template with a version that waits");
  await waiting.getByRole("link", { name: "Read that version" }).click();
  await seen(page.getByRole("heading", { name: "What would run" }), "what would run of the version that waits");
  if (await page.getByRole("button", { name: "Run overlap" }).count()) {
    person.findings.add(`${person.name}, versions`, "a version that waits can be run");
  }
  await person.check("a template as another version has it");
}

// A page's kind: its address, with what differs between two of a kind left out.
function kind(path) {
  const { pathname, search } = new URL(path, "http://any");
  return pathname.replace(/\/(agreements|templates|recorded|revocations|log)\/[^/]+/g, "/$1/*") + search.replace(/([?&])(?!kind=)(\w+)=[^&]*/g, "$1$2=*");
}

function within(path, names) {
  const name = /^\/console\/collaborations\/([^/?]+)/.exec(path)?.[1];
  return path.startsWith("/console") && (name === undefined || names.includes(name));
}

// In the page: where its links lead, and what its forms send.
function found() {
  const links = [...document.querySelectorAll("a[href]:not([download])")].filter((one) => new URL(one.href).origin === location.origin && !one.getAttribute("href").startsWith("#"));
  return {
    links: links.map((one) => one.getAttribute("href")),
    sent: [...document.forms].map((form) => ({ action: form.action, fields: [...new FormData(form)] })),
  };
}

// The forms of one page, as they would be sent.
export async function formsOf(page) {
  const { sent } = await page.evaluate(found);
  return new Map(sent.map((form) => [form.action, form]));
}
