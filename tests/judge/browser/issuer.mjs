// Signing in at an issuer, on another site: there, back, refused, as a trap of somebody else's, and where no page leads on by itself.
// Must not know how pages are made.

import { Stranger } from "./forgery.mjs";
import { signOut } from "./journeys.mjs";
import { seen } from "./watched.mjs";

// That the issuer's page is there.
async function isThere(page, url) {
  await page.waitForURL(`${url}/**`);
  await seen(page.getByRole("heading", { level: 1, name: "Issuer" }), "the issuer");
}

// By the button of the sign-in page, and one of the issuer's; where that ends.
export async function goes(person, { label, url }, button) {
  const { page } = person;
  await page.goto("/console/sign-in");
  await seen(page.getByRole("heading", { level: 1, name: "Sign in" }), "where one signs in");
  await person.check("sign-in with an issuer");
  // The issuer's own page is not ours to judge.
  person.abroad = true;
  await page.getByRole("button", { name: `Continue with ${label}` }).click();
  await isThere(page, url);
  const back = page.waitForResponse((answer) => answer.url().startsWith(`${person.origin}/console/sign-in/`));
  await page.getByRole("button", { name: button, exact: true }).click();
  const answer = await back;
  return { url: answer.url(), status: answer.status() };
}

async function isIn(person) {
  const { page, member } = person;
  await page.waitForURL(`${person.origin}/console`);
  await seen(page.getByRole("heading", { level: 1, name: "Collaborations" }), "the collaborations");
  await seen(page.getByRole("banner").getByText(member, { exact: true }), "who is signed in");
  person.abroad = false;
  await person.check("collaborations, signed in at an issuer");
}

// The jar after it: one cookie, that of the session, as strict as where a token is pasted.
async function jar(person, secure) {
  const found = await person.context.cookies(`${person.origin}/console`);
  const name = secure ? "__Host-airlock-console" : "airlock-console";
  const [one] = found;
  if (found.length !== 1 || one.name !== name || one.sameSite !== "Strict" || !one.httpOnly || one.secure !== secure) {
    person.findings.add(`${person.name}, cookies`, JSON.stringify(found.map(({ value, ...rest }) => rest)));
  }
}

// What is kept meanwhile: one cookie, which comes along from elsewhere and lasts ten minutes.
async function meanwhile(person, secure) {
  const found = (await person.context.cookies()).filter((one) => one.name.endsWith("airlock-sign-in"));
  const [one] = found;
  const lasts = (one?.expires ?? 0) - Date.now() / 1000;
  const good = found.length === 1 && one.name === `${secure ? "__Host-" : ""}airlock-sign-in` && one.sameSite === "Lax" && one.httpOnly && one.secure === secure && lasts > 60 && lasts <= 600;
  if (!good) {
    person.findings.add(`${person.name}, cookies`, `meanwhile: ${JSON.stringify(found.map(({ value, ...rest }) => rest))}, ${Math.round(lasts)} s`);
  }
}

// Whether a page is a refusal with this code, and nobody is signed in.
async function isRefused(person, code, page = person.page) {
  await seen(page.getByText("What would pass"), "what would pass");
  await seen(page.getByText(code, { exact: true }), code);
  await person.check(code, page);
  if ((await page.content()).includes("not today")) {
    person.findings.add(`${person.name}, ${code}`, "an issuer's words are shown");
  }
}

export async function signsInThere(person, issuer, secure = false) {
  const { page } = person;
  person.refused.add(403);
  await goes(person, issuer, "No");
  await isRefused(person, "sign-in-denied");
  const good = await goes(person, issuer, "Let me in");
  await isIn(person);
  await jar(person, secure);
  // The same answer again, as by going back: it is spent, and who is signed in stays so.
  await page.goto(good.url);
  await isRefused(person, "sign-in-state");
  await page.goto("/console");
  await isIn(person);
  await (issuer.signs_out ? leavesBoth(person, issuer) : signOut(person));
  person.refused.delete(403);
}

// Out here, and led on to the issuer, which asks and leads back: there it asks anew who one is.
async function leavesBoth(person, { url }) {
  const { page } = person;
  person.abroad = true;
  await page.getByRole("button", { name: "Sign out" }).click();
  await isThere(page, url);
  await page.getByRole("button", { name: "Sign me out" }).click();
  await page.waitForURL(`${person.origin}/console/sign-in`);
  person.abroad = false;
  await seen(page.getByRole("heading", { level: 1, name: "Sign in" }), "that one is signed out");
  await page.goto("/console");
  await seen(page.getByRole("heading", { level: 1, name: "Sign in" }), "that one stays signed out");
}

// Somebody else's answer to somebody else's attempt, as a link on a page of another site: whoever follows it would be signed in as them.
export async function isTrapped(person, issuer, other) {
  other.abroad = true;
  await other.page.goto("/console/sign-in");
  await other.page.getByRole("button", { name: `Continue with ${issuer.label}` }).click();
  await isThere(other.page, issuer.url);
  await meanwhile(other, false);
  // Where the issuer would send them on to, and they don't go.
  const asked = await other.page.locator("input[name=asked]").inputValue();
  const decided = await other.context.request.post(`${issuer.url}/authorize`, { form: { asked, go: "yes" }, maxRedirects: 0 });
  const trap = decided.headers().location;
  const stranger = await new Stranger("127.0.0.3").begin();
  person.abroad = true;
  person.refused.add(403);
  try {
    await tries(person, issuer, `${stranger.url}/?link=${encodeURIComponent(trap)}`);
    // It was a good one, for them.
    await other.page.goto(trap);
    await isIn(other);
  } finally {
    stranger.end();
  }
  person.refused.delete(403);
  person.abroad = false;
}

async function tries(person, issuer, link) {
  const { page, findings } = person;
  for (const begun of [false, true]) {
    if (begun) {
      await page.goto("/console/sign-in");
      await page.getByRole("button", { name: `Continue with ${issuer.label}` }).click();
      await isThere(page, issuer.url);
    }
    await page.goto(link);
    await page.getByRole("link", { name: "Win" }).click();
    await isRefused(person, "sign-in-state");
    await page.goto("/console");
    if (!await page.getByRole("heading", { level: 1, name: "Sign in" }).count()) {
      findings.add(`${person.name}, trap`, "somebody is signed in by another's answer");
    }
  }
}

// In a browser that goes on by itself nowhere, both pages that lead on have a link.
export async function followsLinks(person, issuer) {
  const { page } = person;
  await page.route(`${person.origin}/console/sign-in/*`, async (route) => {
    // Whoever asks in the browser's place says of it what the browser would.
    const headers = { ...await route.request().allHeaders(), "sec-fetch-site": "same-origin" };
    const response = await route.fetch({ headers });
    const body = (await response.text()).replace(/<meta http-equiv="refresh"[^>]*>/, "");
    await route.fulfill({ response, body });
  });
  await page.goto("/console/sign-in");
  await page.getByRole("button", { name: `Continue with ${issuer.label}` }).click();
  await seen(page.getByRole("heading", { level: 1, name: `On to ${issuer.label}` }), "the page that leads to the issuer");
  await person.check("on to the issuer");
  person.abroad = true;
  await page.getByRole("link", { name: "Go on" }).click();
  await isThere(page, issuer.url);
  await page.unroute(`${person.origin}/console/sign-in/*`);
  await page.getByRole("button", { name: "Let me in" }).click();
  await isIn(person);
}
