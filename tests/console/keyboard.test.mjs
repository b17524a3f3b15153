// Everything by Tab, Enter, arrows and Escape: nothing here focuses or clicks by itself.
// Debian's Chromium against the real program; run.cmake runs this and names the program.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { anyDialog, closePage, isFocused, newPage, row, tabTo } from "./support/browser.mjs";
import { suite } from "./support/suite.mjs";

let rest;
let hook;

const scene = suite(
  async ({ server, receiver }) => {
    rest = await server.rest();
    receiver.answer("/flaky", 503);
    hook = await rest("POST", "/notifications/webhooks", {
      label: "Flaky",
      object_class: "token",
      external_url: receiver.url("/flaky"),
    });
    const token = await rest("POST", "/auth/tokens", { name: "There before", extension: { name: "custom" } });
    for (const description of ["one", "two", "three", "four", "five", "six"]) {
      await rest("PUT", `/auth/tokens/${token.id}`, { description });
    }
  },
  { receives: true },
);
const { describe, open } = scene;

describe("by keyboard alone", () => {
  let page;
  const press = async (...keys) => {
    for (const key of keys) await page.keyboard.press(key);
  };
  const goTo = async (path, heading) => {
    await page.goto(path);
    await page.getByRole("heading", { name: heading, exact: true }).waitFor();
  };
  // A menu's first item is at the arrow down behind its opening.
  const chooseFirst = async (button, item) => {
    await tabTo(page, button);
    await press("Enter");
    await page.getByRole("menuitem", { name: item }).waitFor();
    await press("ArrowDown");
    await isFocused(page, item);
    await press("Enter");
  };

  before(async () => {
    page = await open("/tokens?size=10", { ownContext: true });
  });
  after(() => closePage(page));

  test("one signs in", async () => {
    const outside = await newPage(scene.browser, scene.server.url);
    await outside.goto("/");
    await isFocused(outside, "E-mail");
    await outside.keyboard.type(scene.server.owner.email);
    await tabTo(outside, "Password");
    await outside.keyboard.type(scene.server.owner.password);
    await tabTo(outside, "Show password");
    await tabTo(outside, "Sign in");
    await outside.keyboard.press("Enter");
    await row(outside, "There before").waitFor();
    await closePage(outside);
  });

  test("a token is created, shown and deleted", async () => {
    await row(page, "There before").waitFor();
    await tabTo(page, "Create token");
    await press("Enter");
    await isFocused(page, "Label");
    await page.keyboard.type("By keyboard");
    await press("Enter");
    await isFocused(page, "Token created");
    await tabTo(page, "Done");
    await press("Enter");
    await isFocused(page, "Create token");
    await tabTo(page, "Show the value of By keyboard");
    await press("Enter");
    await row(page, "By keyboard").getByRole("button", { name: "Hide the value" }).waitFor();
    await press("Tab", "Tab", "Enter");
    await isFocused(page, "Disable");
    await press("End", "Enter");
    await isFocused(page, "Cancel");
    await press("Tab", "Enter");
    await row(page, "By keyboard").waitFor({ state: "detached" });
    await isFocused(page, "Tokens");
  });

  test("activity is filtered, looked into and paged", async () => {
    await goTo("/activity?size=10", "Activity");
    await page.getByRole("listitem").filter({ hasText: "Changed the token" }).first().waitFor();
    await tabTo(page, /^What/);
    await page.keyboard.type("Created the tok");
    await page.waitForURL(/type=TokenCreated/);
    await page.getByRole("listitem").filter({ hasText: "Changed the token" }).first().waitFor({ state: "detached" });
    await press("Home");
    await page.waitForURL((url) => !url.search.includes("type="));
    await page.getByRole("listitem").filter({ hasText: "Changed the token" }).first().waitFor();
    await tabTo(page, /^Details/);
    await press("Enter");
    await page.getByText("Position in the log").waitFor();
    await tabTo(page, "Next page");
    await press("Enter");
    await page.waitForURL(/page=2/);
    for (let before; before !== page.url(); ) {
      before = page.url();
      await isFocused(page, "Next page");
      await press("Enter");
    }
    await isFocused(page, "Next page");
  });

  test("a delivery is retried, and cancelling it thought better of", async () => {
    await goTo("/deliveries", "Deliveries");
    const entries = page.getByRole("list", { name: "Deliveries" }).getByRole("listitem");
    await entries.filter({ hasText: "The receiver answered 503." }).first().waitFor();
    await tabTo(page, /^Retry: /);
    await press("Enter");
    await page.getByText("It is attempted again.").waitFor();
    assert.ok(await page.evaluate(() => document.activeElement.closest(".entries") !== null), "the focus stays there");
    await page.goto("/deliveries");
    await entries.first().waitFor();
    await tabTo(page, /^Cancel: /);
    await press("Enter");
    await isFocused(page, "Cancel");
    await press("Escape");
    await anyDialog(page).waitFor({ state: "hidden" });
    await isFocused(page, /^Cancel: /);
  });

  test("a webhook's form is filled and sent", async () => {
    await goTo("/webhooks", "Webhooks");
    await page.getByRole("link", { name: "Flaky" }).waitFor();
    await tabTo(page, "Create webhook");
    await press("Enter");
    await isFocused(page, "Label");
    await page.keyboard.type("By keyboard");
    await tabTo(page, "URL");
    await page.keyboard.type("https://example.com/hook");
    await tabTo(page, /^Called for/);
    await page.keyboard.type("Billing");
    await tabTo(page, /^Method/);
    await press("ArrowDown");
    await tabTo(page, /^On: call it/);
    await press("Space");
    await tabTo(page, /^Headers of the call/);
    await page.keyboard.type("X-Team: billing");
    await tabTo(page, "Create webhook");
    await press("Enter");
    await page.getByRole("link", { name: "By keyboard" }).waitFor();
    await isFocused(page, "Create webhook");
    const made = (await rest("GET", "/notifications/webhooks")).find(({ label }) => label === "By keyboard");
    assert.deepEqual(
      [made.object_class, made.http_method, made.active, made.headers],
      ["billing_request", "GET", false, { "X-Team": "billing" }],
    );
  });

  test("a webhook is tested", async () => {
    await goTo(`/webhooks/${hook.id}`, "Flaky");
    await page.getByRole("heading", { name: "Statistics" }).waitFor();
    await chooseFirst("Actions", "Test");
    await isFocused(page, "Send the test");
    await press("Enter");
    await page.getByRole("dialog").getByText("The receiver answered 503.").waitFor();
    await tabTo(page, "Close");
    await press("Enter");
    await anyDialog(page).waitFor({ state: "hidden" });
    await isFocused(page, "Actions");
  });

  test("a user is invited, and changing the role thought better of", async () => {
    await goTo("/users", "Users");
    await page.getByText("That is you").waitFor();
    await tabTo(page, "Invite user");
    await press("Enter");
    await isFocused(page, "E-mail");
    await page.keyboard.type("keyboard@example.com");
    await press("Enter");
    await isFocused(page, "User invited");
    await press("Escape");
    await tabTo(page, "Done");
    await press("Enter");
    await anyDialog(page).waitFor({ state: "hidden" });
    await isFocused(page, "Invite user");
    await chooseFirst("Actions for keyboard@example.com", "Change role");
    await isFocused(page, "Cancel");
    await press("Escape");
    await anyDialog(page).waitFor({ state: "hidden" });
    await isFocused(page, "Actions for keyboard@example.com");
  });

  test("the appearance is chosen", async () => {
    await goTo("/general", "General");
    await tabTo(page, "Appearance");
    await press("Enter");
    await page.getByRole("menuitemradio", { name: "Dark" }).waitFor();
    await press("ArrowDown");
    await isFocused(page, "Light");
    await press("ArrowDown", "Enter");
    await page.waitForFunction(() => document.documentElement.classList.contains("dark"));
    await isFocused(page, "Appearance");
  });
});
