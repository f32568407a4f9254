// A browser in which everything is watched: what its pages ask for and say, what runs in them, how they look to axe, and whether they fit.
// Must not know what the console is for.

import { createRequire } from "node:module";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

export const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 360, height: 740 } };
const SCHEMES = ["light", "dark"];
const GRAVE = ["serious", "critical"];
const LETTERS_MAX = 80;

// What is wrong, by where it was seen.
export class Findings {
  constructor() {
    this.all = [];
  }

  add(where, what) {
    const line = `${where}: ${what}`;
    if (!this.all.includes(line)) {
      this.all.push(line);
    }
  }
}

// The browser itself, and what was looked at in it.
export class Watched {
  constructor(asked) {
    const wanted = createRequire(join(asked.modules, "package.json"));
    this.chromium = wanted("playwright-core").chromium;
    this.axe = wanted("axe-core").source;
    this.asked = asked;
    this.looked = { pages: 0, axe: 0, pictures: 0, routes: new Set() };
    this.axed = new Set();
    mkdirSync(asked.artefacts, { recursive: true });
  }

  async begin() {
    const names = this.asked.names.map((name) => `MAP ${name} 127.0.0.1`).join(", ");
    const args = ["--no-sandbox", "--disable-dev-shm-usage", "--no-proxy-server", `--host-resolver-rules=${names}`];
    this.browser = await this.chromium.launch({ executablePath: this.asked.chromium, args });
    return this;
  }

  async end() {
    await this.browser.close();
  }

  // Somebody at a screen of their own: one jar of cookies.
  async person(name, { size = "desktop", scripts = true, origin = this.asked.url, findings, waits = this.asked.waits } = {}) {
    const context = await this.browser.newContext({
      viewport: SIZES[size], isMobile: size === "phone", hasTouch: size === "phone", javaScriptEnabled: scripts,
      ignoreHTTPSErrors: true, serviceWorkers: "block", baseURL: origin,
    });
    context.setDefaultTimeout(waits);
    const person = new Person(this, context, { name, size, scripts, origin, findings });
    await person.watch();
    person.page = await context.newPage();
    return person;
  }
}

// One person's context, and the page that they look at.
export class Person {
  constructor(watched, context, how) {
    Object.assign(this, { watched, context }, how);
    this.pictures = 0;
    // Statuses of documents that are not meant as failures of ours: a console says each of them.
    this.refused = new Set();
  }

  async watch() {
    const { context, findings, name } = this;
    await context.addInitScript(() => {
      window.__violations = [];
      document.addEventListener("securitypolicyviolation", (event) => window.__violations.push(`${event.violatedDirective} of ${event.blockedURI}`));
    });
    context.on("console", (message) => {
      const said = message.text();
      const meant = [...this.refused].some((status) => said.includes(`status of ${status}`));
      if (["error", "warning"].includes(message.type()) && !meant) {
        findings.add(name, `the browser's console says: ${said.slice(0, 300)} (${routed(message.location().url || this.page.url())})`);
      }
    });
    context.on("weberror", (error) => findings.add(name, `a script failed: ${error.error().message}`));
    context.on("dialog", (dialog) => {
      findings.add(name, `a dialog opened: ${dialog.message()}`);
      dialog.dismiss();
    });
    context.on("request", (request) => {
      if (new URL(request.url()).origin !== this.origin && !request.url().startsWith("about:") && !this.abroad) {
        findings.add(name, `a request to another origin: ${request.url()}`);
      }
    });
  }

  // Looks at the page: that it fits, that nothing foreign ran or was kept from running, and that axe finds nothing grave in either scheme.
  async check(where, page = this.page) {
    const { watched, findings, size } = this;
    const label = `${this.name}, ${where}`;
    await page.waitForLoadState("load"); // what is seen may be there before its style
    watched.looked.pages += 1;
    watched.looked.routes.add(routed(page.url()));
    for (const wrong of await page.evaluate(looks)) {
      findings.add(label, wrong);
    }
    const key = `${size} ${this.scripts} ${where.replace(/[0-9a-f]{12,}|[0-9]+/g, "*")} ${routed(page.url())}`;
    const first = !watched.axed.has(key);
    watched.axed.add(key);
    if (!first) {
      return;
    }
    for (const scheme of SCHEMES) {
      await page.emulateMedia({ colorScheme: scheme });
      if (this.scripts) {
        await this.axe(`${label}, ${scheme}`, page);
      }
      if (!watched.asked.pictures || (scheme !== "light" && !this.scripts)) {
        continue;
      }
      const file = `${this.name}-${String(this.pictures).padStart(2, "0")}-${where}-${scheme}.png`.replace(/[^\w.-]+/g, "-").slice(-LETTERS_MAX);
      await page.screenshot({ path: join(watched.asked.artefacts, file), scale: "css" });
      watched.looked.pictures += 1;
    }
    this.pictures += 1;
    await page.emulateMedia({ colorScheme: "light" });
  }

  // What is folded is looked at as well, and folded again.
  async axe(label, page) {
    const { watched, findings } = this;
    if (!await page.evaluate("'axe' in window")) {
      await page.evaluate(watched.axe);
    }
    const violations = await page.evaluate(async () => {
      const folded = [...document.querySelectorAll("details:not([open])")];
      folded.forEach((one) => { one.open = true; });
      const found = await window.axe.run(document, { resultTypes: ["violations"], preload: false });
      folded.forEach((one) => { one.open = false; });
      return found.violations.map(({ id, impact, help, nodes }) => ({ id, impact, help, at: nodes.slice(0, 3).map((node) => node.html.slice(0, 160)) }));
    });
    watched.looked.axe += 1;
    for (const { id, impact, help, at } of violations.filter((one) => GRAVE.includes(one.impact))) {
      findings.add(label, `axe ${id} (${impact}): ${help}: ${at.join(" | ")}`);
    }
  }
}

// In the page: what is wrong with how it is made and how it fits.
function looks() {
  const wrong = [];
  const root = document.documentElement;
  window.scrollTo(10_000, window.scrollY);
  if (root.scrollWidth > root.clientWidth || window.scrollX > 0) {
    const wide = [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > root.clientWidth + 1 && !one.closest(".wide, pre"));
    wrong.push(`it scrolls sideways: ${root.scrollWidth} of ${root.clientWidth} pixels, by ${wide.slice(0, 3).map((one) => one.outerHTML.slice(0, 100)).join(" | ")}`);
  }
  window.scrollTo(0, 0);
  for (const one of window.__violations ?? []) {
    wrong.push(`the content policy was violated: ${one}`);
  }
  if (window.__pwned !== undefined) {
    wrong.push("a foreign script ran");
  }
  const own = `${location.origin}/console/console.js`;
  const strange = [...document.querySelectorAll("script, iframe, object, embed, img, svg:not(figure.chart svg), base, style, [style]:not([style=''])")].filter((one) => one.src !== own);
  const handlers = [...document.querySelectorAll("*")].filter((one) => [...one.attributes].some(({ name, value }) => name.startsWith("on") || /^\s*(javascript|data):/i.test(value)));
  for (const one of [...strange, ...handlers]) {
    wrong.push(`something is in the page that is not the console's: ${one.outerHTML.slice(0, 120)}`);
  }
  for (const of of ["main", "h1", "title"]) {
    if (document.querySelectorAll(of).length !== 1) {
      wrong.push(`it has ${document.querySelectorAll(of).length} of ${of}`);
    }
  }
  const hides = /[\u202a-\u202e\u2066-\u2069\u200b-\u200f\u{e0000}-\u{e007f}]/u;
  if (hides.test(document.body.innerText)) {
    wrong.push("a character that hides is in its text");
  }
  for (const one of document.querySelectorAll("[title], [aria-label], [value]")) {
    for (const of of ["title", "aria-label"]) {
      if (hides.test(one.getAttribute(of) ?? "")) {
        wrong.push(`a character that hides is in a ${of}: ${one.outerHTML.slice(0, 120)}`);
      }
    }
  }
  return wrong;
}

// An address as the console's routes are written.
export function routed(url) {
  const { pathname } = new URL(url, "http://any");
  return pathname.split("/").map((part, n, all) => {
    const before = all[n - 1];
    const named = ["collaborations", "agreements", "templates", "rooms", "recorded", "revocations", "runs", "schedules", "sign-in"].includes(before) || (before === "log" && part !== "verification");
    return named || before === "files" ? "*" : part;
  }).join("/");
}

// Something that a person has to see.
export async function seen(locator, what) {
  try {
    await locator.first().waitFor({ state: "visible" });
  } catch {
    throw new Error(`${what} is not seen`);
  }
  return locator.first();
}

// Until something holds, or an error that says what did not.
export async function until(what, holds, within = 60_000, every = 250) {
  const end = Date.now() + within;
  for (;;) {
    const found = await holds();
    if (found) {
      return found;
    }
    if (Date.now() > end) {
      throw new Error(`${what} did not come within ${within / 1000} s`);
    }
    await new Promise((done) => { setTimeout(done, every); });
  }
}
