// Forms that other origins send in the name of who is signed in, the cookie of a session, and its end. Must not know what a form decides.

import { createServer } from "node:http";
import { createServer as createTls } from "node:https";
import { request as forward } from "node:http";
import { readFileSync } from "node:fs";
import { signsInThere } from "./issuer.mjs";
import { signIn } from "./journeys.mjs";
import { routed, seen } from "./watched.mjs";

const FOREIGN = /form-foreign/;

// A page of somebody else's, at an address of its own, with a form that is sent by a button.
export class Stranger {
  constructor(host) {
    this.host = host;
    this.forms = [];
    this.server = createServer((request, response) => {
      const asked = new URL(request.url, "http://any").searchParams;
      const [form, to] = [this.forms[Number(asked.get("n"))], asked.get("link")];
      response.writeHead(form || to ? 200 : 404, { "content-type": "text/html; charset=utf-8" });
      response.end(to ? linked(to) : form ? page(form) : "");
    });
  }

  async begin() {
    await new Promise((done) => { this.server.listen(0, this.host, done); });
    this.url = `http://${this.host}:${this.server.address().port}`;
    return this;
  }

  end() {
    this.server.close();
  }
}

const escaped = (text) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

function linked(to) {
  return `<!doctype html><html lang="en"><title>Free tickets</title><link rel="icon" href="data:,"><a href="${escaped(to)}">Win</a></html>`;
}

function page({ action, fields }) {
  const inputs = fields.map(([name, value]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`).join("");
  return `<!doctype html><html lang="en"><title>Free tickets</title><form method="post" action="${escaped(action)}">${inputs}<button>Win</button></form></html>`;
}

// Every form as it was shown to somebody, sent from elsewhere in the same browser: refused each time, and nothing comes of it.
export async function forges(person, record, forms, hosts) {
  const { findings, member } = person;
  // A run that can be stopped is there for moments only, so that form is made up; where it is sent from is judged before all else.
  const run = [...forms.values()].find((form) => form.action.endsWith("/runs"));
  const stop = run && { ...run, action: `${run.action}/run-1/cancellations` };
  const sent = [...forms.values(), ...(stop ? [stop] : []), { action: `${person.origin}/console/sign-in`, fields: [["token", await record.token(member)]] },
    { action: `${person.origin}/console/sign-in/${record.asked.issuer.name}`, fields: [] }];
  // What would end the session comes last, so that all else is sent in one.
  sent.sort((one, other) => one.action.includes("/sign-") - other.action.includes("/sign-"));
  const names = [...new Set(sent.map((form) => /collaborations\/([^/]+)/.exec(form.action)?.[1]).filter(Boolean))];
  const decided = async () => JSON.stringify(await Promise.all(names.map((name) => record.decided(member, name))));
  const before = await decided();
  const session = async () => JSON.stringify((await person.context.cookies()).map(({ name, value }) => [name, value]));
  const cookies = await session();
  person.abroad = true;
  person.refused.add(403);
  let tried = 0;
  for (const host of hosts) {
    const stranger = await new Stranger(host).begin();
    stranger.forms = sent;
    const tab = await person.context.newPage();
    for (const [n, form] of sent.entries()) {
      await tab.goto(`${stranger.url}/?n=${n}`);
      const answered = tab.waitForResponse((answer) => answer.request().method() === "POST");
      await tab.getByRole("button", { name: "Win" }).click();
      const answer = await answered;
      await tab.waitForLoadState();
      // Whoever believes it may be on its way elsewhere.
      const said = await tab.content().catch(() => "");
      if (answer.status() !== 403 || !FOREIGN.test(said)) {
        findings.add(`${person.name}, forgery`, `a form of ${host} to ${routed(form.action)} is answered ${answer.status()}, and not as foreign`);
      }
      tried += 1;
    }
    await tab.close();
    stranger.end();
  }
  person.abroad = false;
  if (await decided() !== before) {
    findings.add(`${person.name}, forgery`, "what a foreign page sent is on record");
  }
  if (await session() !== cookies) {
    findings.add(`${person.name}, forgery`, "a foreign page changed who is signed in");
  }
  await person.page.goto("/console");
  await seen(person.page.getByRole("heading", { level: 1, name: "Collaborations" }), "that one is still signed in");
  return { tried, routes: new Set(sent.map((form) => routed(form.action))) };
}

// The cookie as decision 0013 has it.
export async function cookies(person, wanted) {
  const found = await person.context.cookies();
  if (found.length !== 1) {
    person.findings.add(`${person.name}, cookie`, `there are ${found.length} cookies: ${found.map((one) => one.name)}`);
  }
  for (const [flag, value] of Object.entries(wanted)) {
    if (found[0]?.[flag] !== value) {
      person.findings.add(`${person.name}, cookie`, `${flag} is ${found[0]?.[flag]}, not ${value}`);
    }
  }
  const lasts = (found[0]?.expires ?? 0) - Date.now() / 1000;
  if (!(lasts > 60 && lasts <= 1800)) {
    person.findings.add(`${person.name}, cookie`, `it lasts ${Math.round(lasts)} s`);
  }
  if (await person.page.evaluate(() => document.cookie) !== "") {
    person.findings.add(`${person.name}, cookie`, "a script can read it");
  }
}

// Signed out in one tab is signed out in the other, and what was open there decides nothing.
export async function leaves(person, record, form) {
  const { findings, member, page } = person;
  const { name, path, button } = form;
  await page.goto("/console");
  const other = await person.context.newPage();
  await other.goto(path);
  await seen(other.getByRole("button", { name: button }), `"${button}"`);
  const before = await record.decided(member, name);
  const kept = await person.context.cookies();
  await page.getByRole("button", { name: "Sign out" }).click();
  await seen(page.getByRole("heading", { level: 1, name: "Sign in" }), "that one is signed out");
  person.refused.add(403);
  await other.getByRole("button", { name: button }).click();
  await other.waitForLoadState();
  if (!(await other.content()).includes("session-missing")) {
    findings.add(`${person.name}, sign-out`, "a form of another tab is taken after it");
  }
  await person.check("signed out elsewhere", other);
  // Whoever kept the cookie is not let in either.
  await person.context.addCookies(kept);
  await other.goto(path);
  if (!await other.getByRole("heading", { level: 1, name: "Sign in" }).count()) {
    findings.add(`${person.name}, sign-out`, "the session goes on in another tab");
  }
  if (await record.decided(member, name) !== before) {
    findings.add(`${person.name}, sign-out`, "a form of another tab is on record after it");
  }
  await other.close();
}

// The console behind TLS, under a name of its own: a proxy that passes Host on.
export async function overTls(watched, record, findings) {
  const { asked } = watched;
  const [host] = asked.names;
  const target = new URL(asked.url);
  const server = createTls({ key: readFileSync(asked.tls.key), cert: readFileSync(asked.tls.certificate) }, (request, response) => {
    const passed = forward({ host: target.hostname, port: target.port, method: request.method, path: request.url, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    passed.on("error", () => response.destroy());
    request.pipe(passed);
  });
  await new Promise((done) => { server.listen(asked.tls.port, "127.0.0.1", done); });
  const person = await watched.person("tls", { origin: `https://${host}:${server.address().port}`, findings });
  person.member = "shop";
  try {
    await signIn(person, record);
    await cookies(person, { name: "__Host-airlock-console", path: "/", secure: true, httpOnly: true, sameSite: "Strict", domain: host });
    await person.page.getByRole("button", { name: "Sign out" }).click();
    await seen(person.page.getByRole("heading", { level: 1, name: "Sign in" }), "that one is signed out");
    if ((await person.context.cookies()).length) {
      findings.add("tls, sign-out", "the cookie is kept");
    }
    await signsInThere(person, asked.tls.issuer, true);
  } finally {
    await person.context.close();
    server.close();
    server.closeAllConnections();
  }
}
