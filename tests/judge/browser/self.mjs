// Shows that the checks can fail: each lie is told to one part of the proof, which has to find it under its name; where nobody lies, nothing is found.
// Must not know how a lie is told.

import { cookies, forges, leaves } from "./forgery.mjs";
import { Journey, signIn, signOut } from "./journeys.mjs";
import { Keys } from "./keyboard.mjs";
import { Liar, lies } from "./liar.mjs";
import { formsOf, isText } from "./tour.mjs";
import { Findings, Watched } from "./watched.mjs";

// What a part of the proof is, and as whom and how it is walked.
const PARTS = {
  "sign-in": async (person) => {
    await person.page.goto("/console/sign-in");
    await person.check("sign-in");
  },
  "keys": async (person) => {
    await person.page.goto("/console/sign-in");
    await new Keys(person).reach("button", "Sign in");
  },
  "hostile": async (person, record, asked) => {
    await signIn(person, record);
    await person.page.goto(`/console/collaborations/${asked.hostile}`);
    await person.check("hostile");
    await isText(person, asked.hostile);
  },
  "cookie": async (person, record) => {
    await signIn(person, record);
    await cookies(person, { name: "airlock-console", path: "/console", secure: false, httpOnly: true, sameSite: "Strict", domain: "127.0.0.1" });
  },
  "approval": async (person, record, asked) => {
    await signIn(person, record);
    await new Journey(record, asked.left.name, person, person).approves(person, "overlap");
  },
  "sign-out": async (person, record) => {
    await signIn(person, record);
    await signOut(person);
  },
  "sign-out elsewhere": async (person, record, asked) => {
    await signIn(person, record);
    await leaves(person, record, asked.left);
  },
  "verification": async (person, record, asked) => {
    await signIn(person, record);
    await new Journey(record, asked.left.name, person, person).verifies();
  },
  "shares": async (person, record, asked) => {
    await signIn(person, record);
    await person.page.goto(`/console/collaborations/${asked.hostile}/shares`);
    await person.check("shares");
    await new Journey(record, asked.hostile, person, person).renews(person);
  },
  "forgery": async (person, record, asked) => {
    await signIn(person, record);
    await person.page.goto(`/console/collaborations/${asked.keys}/templates/overlap`);
    await forges(person, record, await formsOf(person.page), ["127.0.0.1"]);
  },
};

async function told(watched, record, asked, lie) {
  const findings = new Findings();
  const liar = new Liar(asked.url, lie);
  const origin = await liar.begin();
  // Of every lie all is looked at anew.
  watched.axed.clear();
  const person = Object.assign(await watched.person(lie.name, { size: lie.size ?? "desktop", origin, findings }), { member: "shop" });
  try {
    await PARTS[lie.part](person, record, asked);
  } catch (error) {
    findings.add(lie.part, error.message.split("\n")[0]);
  } finally {
    await person.context.close();
    liar.end();
  }
  return findings.all;
}

export async function judgesItself(asked, record, findings, tells) {
  const watched = await new Watched(asked).begin();
  try {
    const honest = ["sign-in", "keys", "hostile", "cookie", "sign-out", "sign-out elsewhere", "verification", "shares", "forgery"].map((part) => ({ name: `nobody lies about ${part}`, part }));
    let found = 0;
    for (const lie of [...honest, ...lies()]) {
      const all = await told(watched, record, asked, lie);
      if (lie.found === undefined) {
        all.forEach((one) => findings.add(lie.name, `found where nobody lied: ${one}`));
      } else if (all.some((one) => lie.found.test(one))) {
        found += 1;
      } else {
        findings.add(lie.name, `not found as ${lie.found}, but ${all.join("; ") || "nothing"}`);
      }
    }
    tells(`${found} of ${lies().length} lies were found`);
  } finally {
    await watched.end();
  }
}
