// What is on record, asked of the API with a token of the member's, and what is done there instead of in a browser. Must not know pages.

import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { promisify } from "node:util";

const run = promisify(execFile);
const KEPT_MS = 3 * 60_000;
export const ROLES = ["member-admin", "data-steward", "analyst", "privacy-officer", "auditor"];

export class Record {
  constructor(asked) {
    this.asked = asked;
    this.tokens = new Map();
  }

  // A token as the README says that one gets it.
  async token(member, roles = ROLES) {
    const key = `${member} ${roles}`;
    const kept = this.tokens.get(key);
    if (kept && Date.now() - kept.at < KEPT_MS) {
      return kept.token;
    }
    const words = ["--home", this.asked.home, "token", "--as", member, ...roles.flatMap((role) => ["--role", role])];
    const { stdout } = await run(this.asked.airlock, words);
    this.tokens.set(key, { token: stdout.trim(), at: Date.now() });
    return stdout.trim();
  }

  // `absent` is what is told of what this member may not see yet.
  async ask(member, path, body, absent) {
    const headers = { authorization: `Bearer ${await this.token(member)}` };
    if (body) {
      Object.assign(headers, { "content-type": "application/json", "if-match": "*", "idempotency-key": randomUUID() });
    }
    const answer = await fetch(`${this.asked.url}/v1/collaborations${path}`, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body) });
    const said = await answer.json();
    if (!answer.ok) {
      if (answer.status === 404 && absent !== undefined) {
        return absent;
      }
      throw new Error(`${path} is answered ${answer.status} ${said.code}: ${said.detail}`);
    }
    return said;
  }

  // Every leaf, as "kind by".
  async leaves(member, name) {
    const found = [];
    for (let from = 0; from !== undefined && from !== null;) {
      const said = await this.ask(member, `/${name}/leaves?from=${from}`, undefined, { leaves: [] });
      found.push(...said.leaves.map((leaf) => `${leaf.kind} by ${leaf.by}`));
      from = said.next;
    }
    return found;
  }

  async count(member, name, leaf) {
    return (await this.leaves(member, name)).filter((one) => one === leaf).length;
  }

  // All that members decided: their leaves, and how each version of the agreement was answered, which is told before one joined as well.
  async decided(member, name) {
    const leaves = (await this.leaves(member, name)).filter((leaf) => !leaf.endsWith("by gateway"));
    const { agreements } = await this.ask(member, `/${name}/agreements`);
    return JSON.stringify([leaves, agreements.map(({ digest, accepted, declined }) => [digest, accepted, declined])]);
  }

  // A deed that has to put exactly this on record, once.
  async puts(member, name, leaf, deed) {
    const before = await this.count(member, name, leaf);
    const done = await deed();
    const after = await this.count(member, name, leaf);
    if (after !== before + 1) {
      throw new Error(`"${leaf}" is on record ${after - before} times more, not once`);
    }
    return done;
  }
}
