// Accessibility, appearance, phones, the keyboard.
// Debian's Chromium against the real program; run.cmake runs this and names the program.
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import {
  assertAccessible,
  chooseFromMenu,
  closePage,
  leaveSummary,
  newPage,
  row,
  signIn,
} from "./support/browser.mjs";
import { suite } from "./support/suite.mjs";

const scene = suite(async ({ server }) => {
  const rest = await server.rest();
  await rest("POST", "/auth/tokens", { name: "Made once", extension: { name: "custom" } });
  await rest("POST", "/notifications/webhooks", {
    label: "Orders hook",
    object_class: "token",
    external_url: "https://hooks.example.com/orders",
  });
});
const { open } = scene;
// Text on the page, not among a filter's choices.
const shown = (page, text) => page.getByText(text).and(page.locator(":not(option)")).first();

describe("everybody can use it", () => {
  for (const colorScheme of ["light", "dark"]) {
    test(`axe finds nothing on any page, ${colorScheme}`, async () => {
      const check = (what) => assertAccessible(page, what, { colours: colorScheme === "dark" });
      const page = await newPage(scene.browser, scene.server.url, { colorScheme });
      await page.goto("/sign-in");
      await signIn(page, { email: "x@example.com", password: "wrong" });
      await page.getByRole("alert").getByText("do not belong together").waitFor();
      await check("sign-in");
      await signIn(page, scene.server.owner);
      await row(page, "Made once").waitFor();
      await row(page, "Made once").getByRole("button", { name: "Show the value" }).click();
      await row(page, "Made once").getByRole("button", { name: "Hide the value" }).waitFor();
      await check("tokens");
      await page.getByRole("button", { name: "Actions for Made once" }).click();
      await page.getByRole("menuitem", { name: "Edit" }).waitFor();
      await check("a token's menu");
      await page.getByRole("menuitem", { name: "Edit" }).click();
      await page.getByRole("dialog", { name: "Edit token" }).waitFor();
      await check("editing");
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "hidden" });
      await chooseFromMenu(page, "Made once", "Delete");
      await page.getByRole("dialog", { name: "Delete this token?" }).waitFor();
      await check("deleting");
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "hidden" });
      await page.getByRole("button", { name: "Create token" }).click();
      const dialog = page.getByRole("dialog", { name: "Create token" });
      await dialog.getByRole("button", { name: "Create token" }).click();
      await dialog.getByText("Give the token a label.").waitFor();
      await check("creating, with an error");
      await dialog.getByLabel("Type").press("Enter");
      await page.getByRole("option", { name: /To integrate Zapier/ }).waitFor();
      await check("choosing a type");
      await page.keyboard.press("Escape");
      await dialog.getByLabel("Label", { exact: true }).fill(`Accessible, ${colorScheme}`);
      await dialog.getByRole("button", { name: "Create token" }).click();
      await page.getByRole("dialog", { name: "Token created" }).waitFor();
      await check("the summary");
      await leaveSummary(page);
      await page.getByLabel("Search label").fill("nothing is called so");
      await page.getByText("No token matches.").waitFor();
      await check("no match");
      await page.getByRole("button", { name: "Clear search and filters" }).click();
      for (const [action, title] of [["Disable", "Disable this token?"], ["Rotate", "Rotate this token?"]]) {
        await chooseFromMenu(page, "Made once", action);
        await page.getByRole("dialog", { name: title }).waitFor();
        await check(action);
        await page.keyboard.press("Escape");
        await page.getByRole("dialog").waitFor({ state: "hidden" });
      }
      await page.getByRole("link", { name: "Made once" }).click();
      await page.getByRole("heading", { name: "Permissions" }).waitFor();
      await check("a token's details");
      await page.getByRole("button", { name: "Change permissions" }).click();
      await page.getByRole("radio", { name: /^Only the modules/ }).check();
      await page.getByRole("checkbox").first().waitFor();
      await check("permissions");
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "hidden" });
      await page.getByRole("link", { name: "Webhooks" }).click();
      await page.getByText("Orders hook").waitFor();
      await check("webhooks");
      await page.getByRole("link", { name: "Orders hook" }).click();
      await page.getByRole("heading", { name: "Statistics" }).waitFor();
      await check("a webhook's details");
      await page.getByRole("button", { name: "Actions" }).click();
      await page.getByRole("menuitem", { name: "Test" }).click();
      await page.getByRole("button", { name: "Send the test" }).waitFor();
      await check("testing a webhook");
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "hidden" });
      await page.getByRole("link", { name: "Deliveries" }).click();
      await shown(page, "Call of the webhook").waitFor();
      await check("deliveries");
      await page.getByRole("link", { name: "Activity" }).click();
      await shown(page, "Created the webhook").waitFor();
      await page.locator("summary").first().click();
      await page.getByText("Position in the log").waitFor();
      await check("activity");
      await page.getByRole("link", { name: "Users" }).click();
      await page.getByText("That is you").waitFor();
      await check("users");
      await chooseFromMenu(page, "auditor@example.com", "Change role");
      await page.getByRole("dialog", { name: "Change role" }).waitFor();
      await check("changing a role");
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "hidden" });
      await page.getByRole("button", { name: "Invite user" }).click();
      await page.getByRole("dialog", { name: "Invite user" }).waitFor();
      await check("inviting");
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "hidden" });
      await page.getByRole("link", { name: "Webhooks" }).click();
      await page.getByRole("button", { name: "Create webhook" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Create webhook" }).click();
      await page.getByText("Give the webhook a label.").waitFor();
      await check("creating a webhook, with errors");
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "hidden" });
      await page.getByRole("link", { name: "General" }).click();
      await page.getByLabel("API key", { exact: true }).fill("SU-000-000-000:0");
      await page.getByRole("button", { name: "Check", exact: true }).click();
      await page.getByText("It belongs to no token").waitFor();
      await check("general");
      await page.getByRole("button", { name: "Appearance" }).click();
      await page.getByRole("menuitemradio", { name: "Light" }).waitFor();
      await check("the appearance menu");
      await closePage(page);
    });
  }

  test("on a phone, with nothing cut off", async () => {
    const page = await open("/tokens", { viewport: { width: 360, height: 740 }, hasTouch: true });
    await row(page, "Made once").waitFor();
    await assertAccessible(page, "tokens on a phone");
    const wide = () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok((await wide()) <= 0);
    await page.getByRole("button", { name: "Open navigation" }).click();
    await page.getByRole("link", { name: "General" }).click();
    await page.getByRole("heading", { name: "General" }).waitFor();
    assert.ok((await wide()) <= 0);
    await assertAccessible(page, "general on a phone");
    const pages = [
      ["Deliveries", "Call of the webhook"],
      ["Activity", "Created the webhook"],
      ["Users", "That is you"],
      ["Webhooks", "Orders hook"],
      ["Tokens", "Made once"],
    ];
    for (const [link, text] of pages) {
      await page.getByRole("button", { name: "Open navigation" }).click();
      await page.getByRole("navigation").getByRole("link", { name: link }).click();
      await shown(page, text).waitFor();
      assert.ok((await wide()) <= 0, link);
    }
    await page.getByRole("link", { name: "Made once" }).click();
    await page.getByRole("heading", { name: "Permissions" }).waitFor();
    assert.ok((await wide()) <= 0, "a token's details");
    await closePage(page);
  });

  test("by keyboard alone: create, show, delete", async () => {
    const page = await open("/tokens?size=10");
    const press = async (...keys) => {
      for (const key of keys) await page.keyboard.press(key);
    };
    await page.getByRole("button", { name: "Create token" }).focus();
    await press("Enter");
    await page.waitForFunction(() => document.activeElement?.getAttribute("name") === "name");
    await page.keyboard.type("By keyboard");
    await press("Enter");
    await page.getByRole("button", { name: "Done" }).focus();
    await press("Enter");
    await page.waitForFunction(() => document.activeElement?.textContent?.trim() === "Create token");
    await row(page, "By keyboard").getByRole("button", { name: "Show the value" }).focus();
    await press("Enter");
    await row(page, "By keyboard").getByRole("button", { name: "Hide the value" }).waitFor();
    await press("Tab", "Tab", "Enter");
    await page.waitForFunction(() => document.activeElement?.textContent?.trim() === "Disable");
    await press("End", "Enter");
    await page.waitForFunction(() => document.activeElement?.textContent?.trim() === "Cancel");
    await press("Tab", "Enter");
    await row(page, "By keyboard").waitFor({ state: "detached" });
    await page.waitForFunction(() => document.activeElement?.tagName === "H1");
    await closePage(page);
  });

  test("the appearance can be chosen and is remembered", async () => {
    const page = await open("/tokens", { colorScheme: "light" });
    const isDark = () => page.evaluate(() => document.documentElement.classList.contains("dark"));
    assert.equal(await isDark(), false);
    await page.getByRole("button", { name: "Appearance" }).click();
    await page.getByRole("menuitemradio", { name: "Dark" }).click();
    assert.equal(await isDark(), true);
    await page.reload();
    await page.getByRole("heading", { name: "Tokens" }).waitFor();
    assert.equal(await isDark(), true);
    await closePage(page);
  });
});
