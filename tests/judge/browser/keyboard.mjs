// The approval by keys alone: Tab, Enter and what is typed. Wherever the focus is, it is seen. Must not know the mouse.

import { recorded } from "./journeys.mjs";
import { seen } from "./watched.mjs";

const TABS_MAX = 60;
const LOOKS_MAX = 10;

// What has the focus, and whether one sees that.
function focused() {
  const one = document.activeElement;
  const style = getComputedStyle(one);
  const at = one.getBoundingClientRect();
  const colour = /^rgba?\((\d+), (\d+), (\d+)(?:, 0)?\)$/.exec(style.outlineColor);
  return {
    name: (one.getAttribute("aria-label") ?? one.innerText ?? "").trim() || one.labels?.[0]?.innerText || one.id,
    tag: one.tagName.toLowerCase(),
    body: one === document.body,
    outlined: style.outlineStyle !== "none" && Number.parseFloat(style.outlineWidth) >= 2 && colour !== null && style.outlineColor !== getComputedStyle(document.body).backgroundColor,
    shown: at.width > 0 && at.height > 0 && at.bottom > 0 && at.top < innerHeight && at.right > 0 && at.left < innerWidth,
  };
}

export class Keys {
  constructor(person) {
    this.person = person;
    this.pressed = 0;
  }

  // Tab until something has the focus; whatever has it on the way has to be seen.
  async reach(tag, name) {
    const { page, findings } = this.person;
    for (let tabs = 0; tabs < TABS_MAX; tabs += 1) {
      await page.keyboard.press("Tab");
      this.pressed += 1;
      let at = await page.evaluate(focused);
      for (let looks = 0; looks < LOOKS_MAX && !at.body && !at.shown; looks += 1) {
        await page.waitForTimeout(50); // what slides into view is given its time
        at = await page.evaluate(focused);
      }
      if (!at.body && !(at.outlined && at.shown)) {
        findings.add(this.person.name, `the focus is not seen on ${at.tag} "${at.name.slice(0, 60)}" of ${new URL(page.url()).pathname}`);
      }
      if (at.tag === tag && at.name === name) {
        return;
      }
    }
    throw new Error(`${tag} "${name}" is not reached by Tab`);
  }

  async press(tag, name) {
    await this.reach(tag, name);
    await this.person.page.keyboard.press("Enter");
  }
}

// From the first page to an approval that is on record.
export async function approvesByKeys(person, record, name, template) {
  const { page, member } = person;
  const keys = new Keys(person);
  await page.goto("/console");
  await keys.reach("input", "Access token");
  await page.keyboard.insertText(await record.token(member));
  await page.keyboard.press("Enter");
  await seen(page.getByRole("heading", { level: 1, name: "Collaborations" }), "the collaborations");
  // The way past what stands before the content.
  await keys.press("a", "Skip to the content");
  if (await page.evaluate(() => document.activeElement.id) !== "main") {
    throw new Error("the skip link does not lead to the content");
  }
  await keys.press("a", name);
  await seen(page.getByRole("heading", { level: 1, name }), "the collaboration");
  await keys.press("a", "read and approve");
  await seen(page.getByRole("heading", { level: 1, name: `Template ${template}` }), "the template");
  await keys.reach("pre", "SQL as agreed");
  await record.puts(member, name, `approved by ${member}`, async () => {
    await keys.press("button", `Approve ${template}`);
    await recorded(person, `You approved ${template}`);
  });
  return keys.pressed;
}
