// Walks the console in a real browser, as the file says that is named, or judges itself before a gateway that lies (`--self-test`). Prints what is wrong, a
// line each, and ends with 1 where something is. Must not know how the gateway came up.

import { readFileSync } from "node:fs";
import { cookies, forges, leaves, overTls } from "./forgery.mjs";
import { followsLinks, isTrapped, signsInThere } from "./issuer.mjs";
import { checksText, Journey, signIn } from "./journeys.mjs";
import { approvesByKeys } from "./keyboard.mjs";
import { judgesItself } from "./self.mjs";
import { Record } from "./record.mjs";
import { formsOf, isText, tour, waitsBeside } from "./tour.mjs";
import { Findings, seen, Watched } from "./watched.mjs";

const [file, ...words] = process.argv.slice(2);
const asked = JSON.parse(readFileSync(file, "utf8"));
const findings = new Findings();
const record = new Record(asked);
const since = Date.now();
const tells = (text) => console.log(`${((Date.now() - since) / 1000).toFixed(0).padStart(3)} s  ${text}`);

// A part of the proof; what it throws is found, and the rest goes on.
async function part(name, work) {
  try {
    await work();
    tells(name);
  } catch (error) {
    findings.add(name, error.message.split("\n").slice(0, 3).join(" "));
  }
}

// One after the other in a lane, so that two cores are not asked for more.
async function lanes(all, many) {
  const waiting = [...all];
  await Promise.all(Array.from({ length: many }, async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      await next();
    }
  }));
}

async function member(watched, name, who, how) {
  return Object.assign(await watched.person(name, { ...how, findings }), { member: who });
}

async function journey(watched, { name, size, scripts, text }) {
  const called = `${size}, scripts ${scripts ? "on" : "off"}`;
  await part(`both journeys: ${called}`, async () => {
    const [provider, consumer] = await Promise.all([member(watched, `provider ${called}`, "shop", { size, scripts }), member(watched, `consumer ${called}`, "media", { size, scripts })]);
    try {
      await new Journey(record, name, provider, consumer, text).walk();
    } catch (error) {
      await provider.page.screenshot({ path: `${asked.artefacts}/failed-provider-${name}.png` });
      await consumer.page.screenshot({ path: `${asked.artefacts}/failed-consumer-${name}.png` });
      throw error;
    } finally {
      await Promise.all([provider.context.close(), consumer.context.close()]);
    }
  });
}

// What is not there is a page as well.
async function problem(person) {
  person.refused.add(404);
  await person.page.goto(`/console/collaborations/${asked.keys}/nothing`);
  await seen(person.page.getByText("What would pass"), "what would pass");
  await person.check("problem");
  person.refused.delete(404);
}

async function offering({ page }) {
  await page.goto("/console/offer");
  return page;
}

const everywhere = (watched) => part("every page, forms of other origins, the session's cookie and end", async () => {
  const forms = new Map();
  const person = await member(watched, "tour shop", "shop", { size: "desktop" });
  await signIn(person, record);
  await cookies(person, { name: "airlock-console", path: "/console", secure: false, httpOnly: true, sameSite: "Strict", domain: "127.0.0.1" });
  await tour(person, [...asked.toured, asked.gone], asked.hostile, forms);
  await problem(person);
  await checksText({ page: await offering(person) }, asked.offered.text);
  await seen(person.page.getByRole("button", { name: "Offer", exact: true }), "that it could be offered");
  for (const form of (await formsOf(person.page)).values()) {
    forms.set(form.action, forms.get(form.action) ?? { ...form, from: person.page.url() });
  }
  const { tried, routes } = await forges(person, record, forms, ["127.0.0.1", "127.0.0.2"]);
  for (const route of asked.routes.post.filter((one) => !routes.has(one))) {
    findings.add("forgery", `no form was shown, and so none forged, for ${route}`);
  }
  tells(`${tried} forged forms to ${routes.size} routes`);
  if (await record.ask("shop", `/${asked.offered.name}`, undefined, undefined).then(() => true, (error) => !error.message.includes("404"))) {
    findings.add("forgery", "what a foreign page offered is there");
  }
  await leaves(person, record, asked.left);
  await person.context.close();
});

const onPhone = (watched) => part("every page on a phone, as the other member", async () => {
  const person = await member(watched, "tour media", "media", { size: "phone" });
  await signIn(person, record);
  await tour(person, asked.toured, asked.hostile);
  await isText(person, asked.hostile);
  await waitsBeside(person, asked.following);
  await person.context.close();
});

async function atAnIssuer(watched) {
  const people = [];
  const somebody = async (name, how) => {
    people.push(await member(watched, name, "shop", how));
    return people.at(-1);
  };
  try {
    for (const [size, scripts] of [["desktop", true], ["phone", false]]) {
      await part(`signing in at an issuer: ${size}, scripts ${scripts ? "on" : "off"}`, async () => signsInThere(await somebody(`issuer ${size}`, { size, scripts }), asked.issuer));
    }
    await part("the same by links alone", async () => followsLinks(await somebody("links", { scripts: true }), asked.issuer));
    await part("another's answer as a trap", async () => isTrapped(await somebody("trapped", {}), asked.issuer, await somebody("trapper", {})));
  } finally {
    await Promise.all(people.map((one) => one.context.close()));
  }
}

async function walks() {
  const watched = await new Watched(asked).begin();
  tells(`Chromium ${watched.browser.version()}`);
  try {
    const journeys = asked.journeys.map((one) => () => journey(watched, one));
    const keys = () => part("the approval by keys alone", async () => {
      const person = await member(watched, "keys", "shop", { size: "desktop" });
      tells(`${await approvesByKeys(person, record, asked.keys, "overlap")} times Tab`);
      await person.context.close();
    });
    const tours = [() => everywhere(watched), () => onPhone(watched)];
    // The longest first.
    await lanes([...tours, ...journeys, keys, () => atAnIssuer(watched), () => part("over TLS", () => overTls(watched, record, findings))], 3);
  } finally {
    await watched.end();
  }
  const { looked } = watched;
  for (const route of asked.routes.get.filter((one) => !looked.routes.has(one))) {
    findings.add("tour", `no page of ${route} was looked at`);
  }
  tells(`${looked.pages} pages of ${looked.routes.size} routes looked at, ${looked.axe} times by axe, ${looked.pictures} pictures`);
}

await (words.includes("--self-test") ? judgesItself(asked, record, findings, tells) : walks());
for (const one of findings.all) {
  console.log(`FAILED: ${one}`);
}
process.exitCode = findings.all.length ? 1 : 0;
