// Accessibility, appearance, phones, the keyboard.
// Debian's Chromium against the real program; run.cmake runs this and names the program.
import assert from "node:assert/strict";
import { test } from "node:test";

import {
  anyDialog,
  assertAccessible,
  assertAccessibleInBoth,
  chooseFromMenu,
  chooseItem,
  closePage,
  focusedName,
  follow,
  launch,
  leaveSummary,
  newPage,
  openAs,
  overhang,
  row,
  signIn,
} from "./support/browser.mjs";
import { suite } from "./support/suite.mjs";

let token;
let hook;

const scene = suite(async ({ server }) => {
  const rest = await server.rest();
  token = await rest("POST", "/auth/tokens", { name: "Made once", extension: { name: "custom" } });
  for (const description of ["one", "two", "three", "four", "five", "six"]) {
    await rest("PUT", `/auth/tokens/${token.id}`, { description });
  }
  hook = await rest("POST", "/notifications/webhooks", {
    label: "Orders hook",
    object_class: "token",
    external_url: "https://hooks.example.com/orders",
  });
});
const { describe, open } = scene;
// Text on the page, not among a filter's choices.
const shown = (page, text) => page.getByText(text).and(page.locator(":not(option)")).first();

describe("everybody can use it", () => {
  test("axe finds nothing on any page, light and dark", async () => {
    const check = (what) => assertAccessibleInBoth(page, what);
    const page = await newPage(scene.browser, scene.server.url);
    // What a menu asks before it acts: checked, and thought better of.
    const checkDialogs = async (openMenu, dialogs) => {
      for (const [item, title] of dialogs) {
        await openMenu();
        await chooseItem(page, item);
        await anyDialog(page).filter({ hasText: title }).getByRole("button").first().waitFor();
        await check(title);
        await page.keyboard.press("Escape");
        await anyDialog(page).waitFor({ state: "hidden" });
      }
    };
    const menuOf = (label) => () => page.getByRole("button", { name: label, exact: true }).click();
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
    await chooseItem(page, "Edit");
    await page.getByRole("dialog", { name: "Edit token" }).waitFor();
    await check("editing");
    await page.keyboard.press("Escape");
    await anyDialog(page).waitFor({ state: "hidden" });
    await chooseFromMenu(page, "Made once", "Delete");
    await page.getByRole("alertdialog", { name: "Delete this token?" }).waitFor();
    await check("deleting");
    await page.keyboard.press("Escape");
    await anyDialog(page).waitFor({ state: "hidden" });
    await page.getByRole("button", { name: "Create token" }).click();
    const dialog = page.getByRole("dialog", { name: "Create token" });
    await dialog.getByRole("button", { name: "Create token" }).click();
    await dialog.getByText("Give the token a label.").waitFor();
    await check("creating, with an error");
    await dialog.getByLabel("Type").press("Enter");
    await page.getByRole("option", { name: /To integrate Zapier/ }).waitFor();
    await check("choosing a type");
    await page.keyboard.press("Escape");
    await dialog.getByLabel("Label", { exact: true }).fill("Accessible");
    await dialog.getByRole("button", { name: "Create token" }).click();
    await page.getByRole("dialog", { name: "Token created" }).waitFor();
    await check("the summary");
    await leaveSummary(page);
    await page.getByLabel("Search label").fill("nothing is called so");
    await page.getByText("No token matches.").waitFor();
    await check("no match");
    await page.getByRole("button", { name: "Clear search and filters" }).click();
    await row(page, "Made once").waitFor();
    await checkDialogs(menuOf("Actions for Made once"), [
      ["Disable", "Disable this token?"],
      ["Rotate", "Rotate this token?"],
      ["Renew", "Renew this token?"],
    ]);
    await follow(page, "Made once");
    await page.getByRole("heading", { name: "Permissions" }).waitFor();
    await check("a token's details");
    await page.getByRole("button", { name: "Change permissions" }).click();
    await page.getByRole("radio", { name: /^Only the modules/ }).check();
    await page.getByRole("checkbox").first().waitFor();
    await check("permissions");
    await page.keyboard.press("Escape");
    await anyDialog(page).waitFor({ state: "hidden" });
    await follow(page, "Webhooks");
    await page.getByText("Orders hook").waitFor();
    await check("webhooks");
    await follow(page, "Orders hook");
    await page.getByRole("heading", { name: "Statistics" }).waitFor();
    await check("a webhook's details");
    await checkDialogs(menuOf("Actions"), [
      ["Test", "Test this webhook"],
      ["Show signing secret", "Signing secret"],
      ["Edit", "Edit webhook"],
      ["Delete", "Delete this webhook?"],
    ]);
    await follow(page, "Deliveries");
    await shown(page, "Call of the webhook").waitFor();
    await check("deliveries");
    await follow(page, "Activity");
    await shown(page, "Created the webhook").waitFor();
    await page.locator("summary").first().click();
    await page.getByText("Position in the log").waitFor();
    await check("activity");
    await follow(page, "Users");
    await page.getByText("That is you").waitFor();
    await check("users");
    await checkDialogs(menuOf("Actions for auditor@example.com"), [
      ["Change role", "Change role"],
      ["Deactivate", "Deactivate this user?"],
      ["Delete", "Delete this user?"],
    ]);
    await page.getByRole("button", { name: "Invite user" }).click();
    await page.getByRole("dialog", { name: "Invite user" }).waitFor();
    await check("inviting");
    await page.keyboard.press("Escape");
    await anyDialog(page).waitFor({ state: "hidden" });
    await follow(page, "Webhooks");
    await page.getByRole("button", { name: "Create webhook" }).click();
    await anyDialog(page).getByRole("button", { name: "Create webhook" }).click();
    await page.getByText("Give the webhook a label.").waitFor();
    await check("creating a webhook, with errors");
    await page.keyboard.press("Escape");
    await anyDialog(page).waitFor({ state: "hidden" });
    await follow(page, "General");
    await page.getByLabel("API key", { exact: true }).fill("SU-000-000-000:0");
    await page.getByRole("button", { name: "Check", exact: true }).click();
    await page.getByText("It belongs to no token").waitFor();
    await check("general");
    await page.getByLabel("API key", { exact: true }).fill(token.token);
    await page.getByRole("button", { name: "Check", exact: true }).click();
    await page.getByText("This key is let in.").waitFor();
    await check("a key that is let in");
    await page.getByRole("button", { name: "Your account" }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).waitFor();
    await check("the account menu");
    await chooseItem(page, "Change password");
    await page.getByRole("dialog", { name: "Change password" }).waitFor();
    await check("changing the password");
    await page.keyboard.press("Escape");
    await anyDialog(page).waitFor({ state: "hidden" });
    await page.getByRole("button", { name: "Your account" }).click();
    await chooseItem(page, "Where you are signed in");
    await page.getByText("This browser").waitFor();
    await check("one's sessions");
    await page.keyboard.press("Escape");
    await anyDialog(page).waitFor({ state: "hidden" });
    await page.getByRole("button", { name: "Appearance" }).click();
    await page.getByRole("menuitemradio", { name: "Light" }).waitFor();
    await check("the appearance menu");
    await page.keyboard.press("Escape");
    const fail = (path) => page.route(`**/public/v1/${path}`, (route) => route.fulfill({ status: 500, body: "{}" }));
    const failed = async (what) => {
      await page.getByText(what).first().waitFor();
      await check(String(what));
    };
    for (const path of ["events?*", "jobs?*", "auth/tokens?*", "notifications/webhooks?*", "accounts/*/users?*"]) {
      await fail(path);
    }
    const failing = { Deliveries: "deliveries", Activity: "What happened", Tokens: "tokens", Webhooks: "webhooks", Users: "users" };
    for (const [link, what] of Object.entries(failing)) {
      await follow(page, link);
      await failed(new RegExp(`${what} could not be loaded`));
    }
    await fail("auth/sessions");
    await menuOf("Your account")();
    await chooseItem(page, "Where you are signed in");
    await anyDialog(page).getByRole("alert").getByText("Something went wrong").waitFor();
    await check("sessions that could not be loaded");
    await page.goto(`/tokens/${token.id}`);
    await failed("The history could not be loaded.");
    await page.getByRole("button", { name: "Copy the value" }).waitFor();
    await fail("auth/tokens/*");
    await fail("auth/tokens/*/reveal");
    await page.getByRole("button", { name: "Change permissions" }).click();
    await anyDialog(page).getByText("Something went wrong").waitFor();
    await check("permissions that could not be loaded");
    await page.keyboard.press("Escape");
    await anyDialog(page).waitFor({ state: "hidden" });
    await page.getByRole("button", { name: "Show the value" }).click();
    await page.getByRole("button", { name: "Close" }).waitFor();
    await check("a notice of what failed");
    await page.goto(`/tokens/${token.id}`);
    await failed("The token could not be loaded.");
    await fail("notifications/webhooks/*");
    await page.goto(`/webhooks/${hook.id}`);
    await failed("The webhook could not be loaded.");
    await page.unrouteAll();
    await closePage(page);
  });

  test("on a phone, with nothing cut off", async () => {
    const page = await open("/tokens", { viewport: { width: 360, height: 740 }, hasTouch: true });
    await row(page, "Made once").waitFor();
    await assertAccessible(page, "tokens on a phone");
    assert.ok((await overhang(page)) <= 0);
    await page.getByRole("button", { name: "Open navigation" }).click();
    await follow(page, "General");
    assert.ok((await overhang(page)) <= 0);
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
      assert.ok((await overhang(page)) <= 0, link);
      await assertAccessible(page, `${link} on a phone`);
    }
    await follow(page, "Made once");
    await page.getByRole("heading", { name: "Permissions" }).waitFor();
    assert.ok((await overhang(page)) <= 0, "a token's details");
    await assertAccessibleInBoth(page, "a token's details on a phone");
    await page.getByRole("button", { name: "Change permissions" }).click();
    await page.getByRole("radio", { name: /^Only the modules/ }).check();
    await page.getByRole("checkbox").first().waitFor();
    await assertAccessibleInBoth(page, "permissions on a phone");
    await closePage(page);
  });

  test("what the keyboard goes to is not behind the bar at the top", async () => {
    const page = await open("/activity?size=50", { viewport: { width: 1366, height: 420 } });
    await shown(page, "Created the webhook").waitFor();
    const bar = await page.locator(".top-bar").boundingBox();
    await page.getByLabel("Rows per page").focus();
    for (let pressed = 0; pressed < 24; pressed += 1) {
      await page.keyboard.press("Shift+Tab");
      const top = await page.evaluate(() => {
        const element = document.activeElement;
        return element.closest("main") && element.matches("a, button, summary") ? element.getBoundingClientRect().top : null;
      });
      if (top !== null) assert.ok(top >= bar.y + bar.height, await focusedName(page));
    }
    await closePage(page);
  });
  test("nothing moves aside when a page becomes shorter or a dialog opens", async () => {
    const browser = await launch({ scrollbars: true });
    const page = await openAs(browser, scene.server, scene.server.owner, "/activity?size=50");
    const place = async () => (await page.getByRole("link", { name: "Export CSV" }).boundingBox()).x;
    await shown(page, "Created the webhook").waitFor();
    assert.ok(await page.evaluate(() => window.innerWidth > document.documentElement.clientWidth), "it scrolls");
    const before = await place();
    await page.getByLabel("IP address").fill("192.0.2.1");
    await page.getByText("Nothing matches.").waitFor();
    assert.equal(await place(), before);
    await page.getByRole("button", { name: "Your account" }).click();
    await chooseItem(page, "Change password");
    await page.getByRole("dialog", { name: "Change password" }).waitFor();
    assert.equal(await place(), before);
    await closePage(page);
    await browser.close();
  });

  test("the appearance can be chosen and is remembered", async () => {
    const page = await open("/tokens", { colorScheme: "light" });
    const isDark = () => page.evaluate(() => document.documentElement.classList.contains("dark"));
    assert.equal(await isDark(), false);
    await page.getByRole("button", { name: "Appearance" }).click();
    await chooseItem(page, "Dark", "menuitemradio");
    assert.equal(await isDark(), true);
    await page.reload();
    await page.getByRole("heading", { name: "Tokens" }).waitFor();
    assert.equal(await isDark(), true);
    await closePage(page);
  });
});
