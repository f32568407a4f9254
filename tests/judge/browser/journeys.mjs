// Both ways through the console: who gives data, and who asks for runs. Each step is what a person sees, by role and name, and what is on record
// after it. Must not know how pages are made.

import { readFile } from "node:fs/promises";
import { routed, seen, until } from "./watched.mjs";

const ROOM = "aws-clean-rooms";

// The journey in one collaboration: the provider offers it by this text, and then it waits for both.
export class Journey {
  constructor(record, name, provider, consumer, text) {
    Object.assign(this, { record, name, provider, consumer, text });
    this.at = `/console/collaborations/${name}`;
  }

  async walk() {
    const { provider, consumer } = this;
    await signIn(provider, this.record);
    await this.offers(provider);
    await signIn(consumer, this.record);
    for (const person of [provider, consumer]) {
      await this.joins(person);
    }
    for (const person of [provider, consumer]) {
      await this.approves(person, "overlap");
    }
    await this.runs();
    await this.shares(consumer);
    await this.learns();
    await this.looksAtFidelity();
    await this.withdraws();
    await this.verifies();
    await signOut(provider);
    await signOut(consumer);
  }

  // What is wrong is said where it stands; what passes is offered just as it was checked, and waits.
  async offers(person) {
    const { page, member } = person;
    await page.getByRole("link", { name: "Offer an agreement" }).click();
    await person.check("offer");
    person.refused.add(422);
    await checksText(person, this.text.replace('"agreement": "v1"', '"agreement": "v9"'));
    await seen(page.getByRole("alert").getByText("It can't be offered so:"), "that it can't be offered");
    await seen(page.getByRole("alert").getByText(/^the document:2:\d+ agreement$/), "the line and the column");
    await person.check("what stands against it");
    person.refused.delete(422);
    if (await page.getByRole("button", { name: "Offer", exact: true }).count()) {
      throw new Error("what does not pass can be offered");
    }
    await checksText(person, this.text);
    await seen(page.getByRole("status").getByText("It is not offered yet."), "that it passes");
    await seen(page.getByText(`${this.name}, a new one`), "what it is of");
    const rooms = page.getByRole("table", { name: "Terms by how each room holds them" });
    for (const room of ["native", ROOM]) {
      await seen(rooms.getByRole("rowheader", { name: room }), `how ${room} holds it`);
    }
    await person.check("what passes");
    await page.getByRole("button", { name: "Offer", exact: true }).click();
    await recorded(person, "You offered the agreement");
    await person.check("offered");
    await page.getByRole("link", { name: `Back to ${this.name}` }).click();
    await seen(page.getByText("An agreement waits."), "that it waits");
    const { agreements } = await this.record.ask(member, `/${this.name}/agreements`);
    if (agreements.length !== 1 || agreements[0].proposed_by !== member && agreements[0].proposed_by !== "gateway" || agreements[0].state !== "waiting") {
      throw new Error(`what was offered is on record as ${JSON.stringify(agreements)}`);
    }
    await page.goto("/console");
  }

  async joins(person) {
    const { page, member } = person;
    const waits = page.getByRole("row").filter({ has: page.getByRole("link", { name: this.name, exact: true }) });
    await seen(waits.getByText("invited"), "that one is invited");
    await seen(waits.getByText("waits"), "that an agreement waits");
    await person.check("collaborations");
    await page.getByRole("link", { name: this.name, exact: true }).click();
    await seen(page.getByRole("heading", { level: 1, name: this.name }), "the collaboration");
    await seen(page.getByText("An agreement waits."), "the notice of the agreement that waits");
    await person.check(`invited ${member}`);
    await page.getByRole("link", { name: "Read it, and join or decline" }).click();
    await seen(page.getByRole("heading", { level: 1, name: "Agreement" }), "the agreement");
    for (const table of ["Members of this version", "Columns of customers", "Columns of seen"]) {
      await seen(page.getByRole("table", { name: table }), `the table "${table}"`);
    }
    await seen(page.getByRole("region", { name: "SQL of overlap" }).getByText("SELECT"), "the SQL of the template");
    await seen(page.getByRole("button", { name: "Decline" }), "a way to decline");
    await person.check("agreement that waits");
    await this.record.puts(member, this.name, `joined by ${member}`, async () => {
      await page.getByRole("button", { name: "Join" }).click();
      await recorded(person, "You joined the agreement");
    });
    await person.check("joined");
    await page.reload();
    await recorded(person, "You joined the agreement");
    await page.getByRole("link", { name: `Back to ${this.name}` }).click();
  }

  async approves(person, template) {
    const { page, member } = person;
    await page.goto(this.at);
    await seen(page.getByRole("table", { name: "Members and where each stands" }), "the members");
    await person.check(`overview ${member}`);
    const row = page.getByRole("table", { name: "Templates and their approvals" }).getByRole("row").filter({ hasText: template });
    await seen(row.getByText("waits"), "that an approval waits");
    await row.getByRole("link", { name: "read and approve" }).click();
    await seen(page.getByRole("heading", { level: 1, name: `Template ${template}` }), "the template");
    for (const text of ["SQL as agreed", "SQL in native", `SQL in ${ROOM}`]) {
      await seen(page.getByRole("region", { name: text }).getByText("SELECT"), `"${text}"`);
    }
    await seen(page.getByRole("table", { name: "Thresholds" }).getByRole("row").filter({ hasText: "customers" }), "the threshold of customers");
    await person.check("template that waits");
    await this.record.puts(member, this.name, `approved by ${member}`, async () => {
      await page.getByRole("button", { name: `Approve ${template}` }).click();
      await recorded(person, `You approved ${template}`);
    });
    await person.check("approved");
    await page.getByRole("link", { name: /^Leaf \d+$/ }).click();
    await seen(page.getByRole("region", { name: "The leaf" }).getByText("approved"), "the leaf's text");
    await person.check("leaf");
    await page.goto(`${this.at}/templates/${template}`);
    if (await page.getByRole("button", { name: `Approve ${template}` }).count()) {
      throw new Error("what is approved can be approved again");
    }
  }

  // A run is asked for, followed until it has ended, and its result seen and taken away.
  async runs() {
    const { consumer, record, name } = this;
    const { page, member } = consumer;
    await page.goto(`${this.at}/runs`);
    await seen(page.getByText("No run was asked for."), "that there is no run");
    await consumer.check("no runs");
    await page.goto(`${this.at}/templates/overlap`);
    await page.getByLabel("Room", { exact: true }).selectOption("native");
    await consumer.check("template that runs");
    await record.puts(member, name, `run-requested by ${member}`, async () => {
      await page.getByRole("button", { name: "Run overlap" }).click();
      await seen(page.getByRole("heading", { level: 1, name: /^Run run-/ }), "the run");
    });
    await seen(page.getByRole("heading", { name: /^Stands/ }), "how it stands");
    await page.getByRole("heading", { name: "Stands succeeded" }).waitFor({ timeout: consumer.watched.asked.comes }).catch(() => { throw new Error("the run is not seen to succeed"); });
    const table = await seen(page.getByRole("table", { name: /^The first \d+ of \d+ rows$/ }), "the result");
    await seen(table.getByRole("row").filter({ hasText: "families" }), "a row of the result");
    await seen(page.getByRole("img", { name: /^people by segment/ }), "the chart");
    await consumer.check("run");
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: /^Download / }).first().click()]);
    if (await download.failure() !== null || !(await readFile(await download.path())).subarray(0, 4).equals(Buffer.from("PAR1"))) {
      throw new Error("the file of the result is not a file of Parquet");
    }
    consumer.watched.looked.routes.add(routed(download.url()));
    await page.getByRole("navigation", { name: `Pages of ${name}` }).getByRole("link", { name: "Runs" }).click();
    const row = page.getByRole("table", { name: "Runs, the newest first" }).getByRole("row").filter({ hasText: "succeeded" });
    await seen(row.getByRole("cell", { name: "media" }), "who asked for the run, and who receives it");
    await consumer.check("runs");
    if (await record.count(member, name, "run-succeeded by gateway") !== 1) {
      throw new Error("a run is seen as succeeded, and that is not on record");
    }
  }

  // A result is opened to somebody outside: its profile is shown once, another token is given, and all is taken back.
  async shares(person) {
    const { record, name } = this;
    const { page, member } = person;
    await page.goto(this.at);
    await page.getByRole("navigation", { name: `Pages of ${name}` }).getByRole("link", { name: "Shares" }).click();
    await seen(page.getByText("Nothing is open to anybody outside."), "that nothing is shared");
    await page.getByLabel(/^To /).fill("agency");
    await person.check("nothing shared");
    const first = await this.given(person, "Open the result", "result-shared");
    await person.check("profile");
    await page.getByRole("link", { name: `Back to the shares of ${name}` }).click();
    const row = page.getByRole("table", { name: `Results that ${member} opened to agency` }).getByRole("row").filter({ hasText: "overlap" });
    await seen(row.getByText("not yet"), "that nothing of it was read");
    await person.check("shared");
    if ((await page.content()).includes(first)) {
      throw new Error("a token is shown a second time");
    }
    const second = await this.renews(person);
    if (!first || first === second) {
      throw new Error("another token is the same");
    }
    await page.getByRole("link", { name: `Back to the shares of ${name}` }).click();
    await record.puts(member, name, `share-ended by ${member}`, async () => {
      await page.getByRole("button", { name: "Take everything back from agency" }).click();
      await recorded(person, "You took everything back from agency");
    });
    await page.goto(`${this.at}/shares`);
    await seen(page.getByText("Nothing is open to anybody outside."), "that nothing is shared any more");
  }

  async renews(person) {
    await person.page.getByText("Another token for agency").click();
    return this.given(person, "Give agency another token", "recipient-keyed");
  }

  // The token of the profile that comes of a button, and is on record.
  async given({ page, member }, button, leaf) {
    return this.record.puts(member, this.name, `${leaf} by ${member}`, async () => {
      await page.getByRole("button", { name: button }).click();
      const shown = await seen(page.getByRole("textbox", { name: "The profile" }), "the profile");
      return JSON.parse(await shown.inputValue()).bearerToken;
    });
  }

  async learns() {
    const { page } = this.consumer;
    await page.getByRole("link", { name: "What is learnt" }).click();
    await seen(page.getByRole("heading", { level: 1, name: "What each member could learn" }), "what could be learnt");
    await seen(page.getByRole("heading", { level: 2, name: "media you" }), "the part of one's own");
    await seen(page.getByRole("heading", { level: 2, name: "shop" }), "the part of the other member");
    await seen(page.getByText("Nothing: it neither runs nor receives any template."), "that the other learns nothing");
    await seen(page.getByRole("table", { name: "Columns of overlap that leave" }).getByRole("row").filter({ hasText: "segment" }), "the column that leaves");
    await seen(page.getByRole("table", { name: "Rules that overlap is under" }).getByText("by the rule of shop").first(), "by whose rule");
    await this.consumer.check("learn");
  }

  async looksAtFidelity() {
    const { page } = this.provider;
    await page.goto(this.at);
    await page.getByRole("link", { name: "Fidelity" }).click();
    const matrix = await seen(page.getByRole("table", { name: "Each agreed term in each room" }), "the fidelity matrix");
    for (const room of ["native", ROOM]) {
      await seen(matrix.getByRole("columnheader", { name: room }), `the column of ${room}`);
    }
    const cell = matrix.locator("details").last();
    const why = cell.locator("p").first();
    if (await why.isVisible()) {
      throw new Error("the reason in a cell is unfolded before somebody asks");
    }
    await cell.locator("summary").click();
    await seen(why, "the reason in a cell");
    await this.provider.check("fidelity");
  }

  // The evidence comes in while it is looked at: with a script in its place, without one as the page loads itself again.
  async withdraws() {
    const { provider, record, name } = this;
    const { page, member } = provider;
    await until("a room that is settled", async () => {
      await page.goto(this.at);
      return (await page.locator("li").filter({ hasText: "settled" }).count()) > 0;
    });
    await provider.check("settled");
    await page.getByRole("button", { name: `Look at ${ROOM} soon` }).click();
    await seen(page.getByRole("status").getByText(`${ROOM} is looked at soon`), "that a look was asked for");
    await provider.check("look");
    await page.goto(this.at);
    await page.getByRole("link", { name: "Withdraw dataset customers" }).click();
    await seen(page.getByRole("heading", { level: 1, name: "Withdraw dataset customers" }), "what would be withdrawn");
    await provider.check("withdraw");
    await record.puts(member, name, `revoked by ${member}`, async () => {
      await page.getByRole("button", { name: "Withdraw dataset customers now" }).click();
      await recorded(provider, "You withdrew dataset customers");
    });
    await provider.check("withdrawn");
    await page.getByRole("link", { name: "What becomes of it, room by room" }).click();
    await page.waitForURL(/revocations\/\d+$/);
    let loads = 0;
    page.on("load", () => { loads += 1; });
    const evidence = page.getByRole("region", { name: /^Evidence/ });
    await seen(evidence.getByRole("heading", { name: "Evidence closing" }), "that it is not closed yet");
    await provider.check("evidence that is open");
    await page.getByRole("heading", { name: "Evidence closed" }).waitFor({ timeout: provider.watched.asked.comes }).catch(() => { throw new Error("the evidence did not come in"); });
    const row = evidence.getByRole("row").filter({ hasText: ROOM });
    await seen(row.getByText("closed", { exact: true }), "that the room is closed");
    await seen(row.getByText(/, leaf \d+$/), "the leaf of the evidence");
    if (provider.scripts === loads > 0) {
      throw new Error(`the page of the evidence was loaded ${loads} times with scripts ${provider.scripts ? "on" : "off"}`);
    }
    await provider.check("evidence that is closed");
    if (await record.count(member, name, "revocation-confirmed by gateway") < 1) {
      throw new Error("evidence is seen that is not on record");
    }
    await page.goto(`${this.at}/revocations`);
    await seen(page.getByRole("row").filter({ hasText: "customers" }).getByText("closed"), "the withdrawal in the list");
    await provider.check("withdrawals");
  }

  async verifies() {
    const { page, member } = this.provider;
    await page.goto(this.at);
    await page.getByRole("link", { name: "Audit" }).click();
    await seen(page.getByRole("table", { name: "Leaves in their order" }), "the leaves");
    await this.provider.check("audit");
    const before = (await this.record.leaves(member, this.name)).length;
    await page.getByRole("button", { name: "Verify the whole log" }).click();
    const good = await seen(page.getByRole("status").getByText(/^\d+ leaves are good\.$/), "that the log verifies");
    const [, said] = /^(\d+)/.exec(await good.innerText());
    const after = (await this.record.leaves(member, this.name)).length;
    if (Number(said) < before || Number(said) > after) {
      throw new Error(`${said} leaves are said to be good, of ${before} to ${after}`);
    }
    await this.provider.check("verified");
  }
}

// A document is written into the page, and checked.
export async function checksText({ page }, text) {
  await page.getByLabel("The agreement, as YAML or JSON").fill(text);
  await page.getByRole("button", { name: "Check" }).click();
  await page.waitForURL(/\/console\/offer\/checks$/);
}

// The token is pasted, and the session begins.
export async function signIn(person, record, roles) {
  const { page, member } = person;
  await page.goto("/console");
  await seen(page.getByRole("heading", { level: 1, name: "Sign in" }), "where one signs in");
  await person.check("sign-in");
  await page.getByLabel("Access token").fill(await record.token(member, roles));
  await page.getByRole("button", { name: "Sign in" }).click();
  await seen(page.getByRole("heading", { level: 1, name: "Collaborations" }), "the collaborations");
  await seen(page.getByRole("banner").getByText(member, { exact: true }), "who is signed in");
}

export async function signOut(person) {
  await person.page.getByRole("button", { name: "Sign out" }).click();
  await seen(person.page.getByRole("heading", { level: 1, name: "Sign in" }), "that one is signed out");
  await person.page.goto("/console");
  await seen(person.page.getByRole("heading", { level: 1, name: "Sign in" }), "that one stays signed out");
}

// What was decided, with its leaf and receipt.
export async function recorded(person, what) {
  const { page } = person;
  await seen(page.getByRole("heading", { level: 1, name: "Recorded" }), "that it is on record");
  await seen(page.getByRole("status").getByText(what), `"${what}"`);
  await seen(page.getByRole("status").getByText(/leaf \d+/), "the leaf");
  await seen(page.getByRole("region", { name: "The checkpoint of the receipt" }), "the receipt");
}
