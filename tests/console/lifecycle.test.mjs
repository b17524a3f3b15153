// Searching and filtering tokens, what one does to them after creation, their page, changes of others meanwhile.
// Debian's Chromium against the real program; run.cmake runs this and names the program.
import assert from "node:assert/strict";
import { test } from "node:test";

import {
  anyDialog,
  assertAccessibleInBoth,
  chooseFromMenu,
  chooseItem,
  clipboard,
  closePage,
  createToken,
  follow,
  holdBack,
  isFocused,
  leaveSummary,
  notice,
  row,
} from "./support/browser.mjs";
import { suite } from "./support/suite.mjs";

const KEY = /^SU-\d{3}-\d{3}-\d{3}:[0-9a-f]{40}$/;
const DAY_MS = 24 * 3600 * 1000;

let rest;
const made = {};

const scene = suite(async ({ server }) => {
  rest = await server.rest();
  const soon = new Date(Date.now() + 3 * DAY_MS).toISOString();
  for (const [name, fields] of [
    ["Alpha", { external_id: "erp-1" }],
    ["Beta", { expiration_date: soon }],
    ["Gamma 100%* \"quoted\"", {}],
    ["Zed for Zapier", { extension: { name: "zapier" } }],
  ]) {
    made[name] = await rest("POST", "/auth/tokens", { name, extension: { name: "custom" }, ...fields });
  }
});
const { describe, open } = scene;

const authorize = async (key) =>
  (await fetch(`${scene.server.url}/authorize`, { headers: { Authorization: `ApiKey ${key}` } })).status;
const labels = (page) => page.locator("tbody .label").allTextContents();

describe("finding tokens", () => {
  test("by search, type, status and order, each in the address", async () => {
    const page = await open();
    await row(page, "Alpha").waitFor();
    await row(page, "Alpha").locator("time").hover();
    assert.match(await row(page, "Alpha").locator("time").getAttribute("title"), /UTC\)$/);
    const search = page.getByLabel("Search label");
    await search.fill("ERP-1");
    await row(page, "Beta").waitFor({ state: "detached" });
    assert.deepEqual(await labels(page), ["Alpha"]);
    assert.match(page.url(), /q=ERP-1/);
    await search.fill('100%* "quoted"');
    await row(page, 'Gamma 100%* "quoted"').waitFor();
    await search.fill("matches nothing & = ( ; |");
    await page.getByText("No token matches.").waitFor();
    await page.getByRole("button", { name: "Clear search and filters" }).click();
    await row(page, "Alpha").waitFor();
    await page.getByRole("combobox", { name: "Type", exact: true }).selectOption("Zapier");
    await row(page, "Alpha").waitFor({ state: "detached" });
    assert.deepEqual(await labels(page), ["Zed for Zapier"]);
    await page.getByRole("combobox", { name: "Type", exact: true }).selectOption("All");
    await page.getByRole("combobox", { name: "Status", exact: true }).selectOption("Expiring");
    await row(page, "Alpha").waitFor({ state: "detached" });
    await row(page, "Beta").getByText("Expiring").waitFor();
    assert.deepEqual(await labels(page), ["Beta"]);
    await page.getByRole("combobox", { name: "Status", exact: true }).selectOption("All");
    await page.getByRole("combobox", { name: "Sort by", exact: true }).selectOption("Label, Z to A");
    await page.waitForFunction(() => document.querySelector("tbody .label")?.textContent === "Zed for Zapier");
    await page.reload();
    await row(page, "Alpha").waitFor();
    assert.equal((await labels(page)).at(-1), "Alpha");
    await closePage(page);
  });

  test("a pasted key or handle is never searched for nor in the address", async () => {
    const page = await open();
    const { id, token: key } = made.Alpha;
    await page.getByLabel("Search label").fill(key);
    await row(page, "Beta").waitFor({ state: "detached" });
    assert.deepEqual(await labels(page), ["Alpha"]);
    assert.match(page.url(), new RegExp(`q=${id}$`));
    assert.ok(!(await page.content()).includes(key.split(":")[1]));
    await page.getByLabel("Search label").fill("ab".repeat(20));
    await page.getByText("A handle is a secret").waitFor();
    await row(page, "Beta").waitFor();
    assert.ok(!page.url().includes("abab"));
    await closePage(page);
  });

  test("no field that searches lets a secret into an address, here or of a request, nor keeps it", async () => {
    const page = await open();
    const { id, token: key } = made.Alpha;
    const secret = key.split(":")[1];
    const addresses = [];
    page.on("request", (request) => addresses.push(request.url()));
    const fields = [
      ["/tokens", "Search label"],
      ["/activity", "ID of a token"],
      ["/activity", "IP address"],
      ["/deliveries", "Search ID"],
    ];
    for (const [path, label] of fields) {
      await page.goto(path);
      const field = page.getByLabel(label);
      await field.fill(`curl -H "Authorization: ApiKey ${key}" ${scene.server.url}/public/v1/auth/tokens`);
      await page.waitForURL(new RegExp(`=${id}$`));
      assert.equal(await field.inputValue(), id, label);
      await field.fill(`{"handle": "${secret}"}`);
      await page.getByText("A handle is a secret").waitFor();
      await page.waitForURL((url) => url.search === "");
      assert.equal(await field.inputValue(), "", label);
    }
    const asked = addresses.filter((address) => new URL(address).pathname.startsWith("/public/"));
    assert.ok(asked.length > fields.length);
    assert.deepEqual(addresses.filter((address) => address.includes(secret)), []);
    await page.goto(`/tokens?q=${encodeURIComponent(key)}`);
    await row(page, "Alpha").waitFor();
    const requests = addresses.filter((address) => new URL(address).pathname.startsWith("/public/"));
    assert.deepEqual(requests.filter((address) => address.includes(secret)), [], "also where the address had one");
    await closePage(page);
  });

  test("a type of one's own can be chosen, has its name in the table, on the page and among the filters", async () => {
    const page = await open();
    await row(page, "Alpha").waitFor();
    const extension = await rest("POST", "/extensions", { name: "partner-link", description: "For partners" });
    await createToken(page, "Of its own type", async (dialog) => {
      await dialog.getByLabel("Type").press("Enter");
      await page.getByRole("option", { name: /^partner-link For/ }).click();
      await dialog.getByText("For an API client other than Zapier").first().waitFor();
    });
    await leaveSummary(page);
    const [own] = await rest("GET", "/auth/tokens?name=Of%20its%20own%20type");
    assert.equal(own.extension.id, extension.id);
    await row(page, "Of its own type").getByText("partner-link").waitFor();
    await page.getByRole("combobox", { name: "Type", exact: true }).selectOption("partner-link");
    await row(page, "Alpha").waitFor({ state: "detached" });
    assert.deepEqual(await labels(page), ["Of its own type"]);
    await page.reload();
    await row(page, "Of its own type").waitFor();
    assert.equal(await page.locator(".filters option:checked").first().textContent(), "partner-link");
    await follow(page, "Of its own type");
    await page.locator("dd").getByText("partner-link").waitFor();
    const back = await page.getByRole("link", { name: "All tokens" }).getAttribute("href");
    assert.match(back, /^\/tokens\?.*type=partner-link/, "to the list as it was left");
    await follow(page, "General");
    const { token: key } = await rest("POST", `/auth/tokens/${own.id}/reveal`);
    await page.getByLabel("API key", { exact: true }).fill(key);
    await page.getByRole("button", { name: "Check", exact: true }).click();
    await page.getByText("partner-link").waitFor();
    await rest("DELETE", `/auth/tokens/${own.id}`);
    await closePage(page);
  });
});

describe("from a token's menu", () => {
  test("disabled after asking, enabled again", async () => {
    const page = await open();
    await chooseFromMenu(page, "Alpha", "Disable");
    const dialog = page.getByRole("alertdialog", { name: "Disable this token?" });
    await dialog.getByText("Alpha").waitFor();
    const letGo = await holdBack(page, `**/auth/tokens/${made.Alpha.id}/deactivate`);
    await dialog.getByRole("button", { name: "Disable token" }).click();
    await page.keyboard.press("Escape");
    for (const name of ["Cancel", "Close"]) assert.ok(await dialog.getByRole("button", { name }).isDisabled(), "it is on its way");
    await letGo();
    await dialog.waitFor({ state: "hidden" });
    await row(page, "Alpha").getByText("Disabled").waitFor();
    assert.equal(await authorize(made.Alpha.token), 403);
    await chooseFromMenu(page, "Alpha", "Enable");
    await row(page, "Alpha").getByText("Active").waitFor();
    assert.equal(await authorize(made.Alpha.token), 204);
    await closePage(page);
  });

  test("renewed: both values are good; rotated: only the newest is", async () => {
    const page = await open();
    const value = async () => {
      await page.getByRole("button", { name: "Copy the API key" }).click();
      await notice(page, "Copied.").waitFor();
      return clipboard(page, (text) => KEY.test(text) && !used.includes(text));
    };
    const used = [made.Alpha.token];
    await chooseFromMenu(page, "Alpha", "Renew");
    await page.getByText("The old value stays good for 24 hours.").waitFor();
    await page.getByRole("button", { name: "Renew token" }).click();
    await page.getByRole("dialog", { name: "Token renewed" }).waitFor();
    await assertAccessibleInBoth(page, "renewed");
    used.push(await value());
    await leaveSummary(page);
    await row(page, "Alpha").getByText("Renewed").waitFor();
    for (const key of used) assert.equal(await authorize(key), 204);
    await chooseFromMenu(page, "Alpha", "Rotate");
    await page.getByText("The old one is refused from this moment").waitFor();
    await page.getByRole("button", { name: "Rotate token" }).click();
    await page.getByRole("dialog", { name: "Token rotated" }).waitFor();
    const newest = await value();
    await leaveSummary(page);
    await row(page, "Alpha").getByText("Active").waitFor();
    for (const key of used) assert.notEqual(await authorize(key), 204);
    assert.equal(await authorize(newest), 204);
    assert.ok(!(await page.content()).includes(newest.split(":")[1]));
    await closePage(page);
  });

  test("a change of somebody else meanwhile is said, and what is there now can be loaded", async () => {
    const page = await open();
    await row(page, "Beta").waitFor();
    const read = page.waitForResponse((response) => response.url().endsWith(`/auth/tokens/${made.Beta.id}`));
    await chooseFromMenu(page, "Beta", "Edit");
    const dialog = page.getByRole("dialog", { name: "Edit token" });
    const label = dialog.getByLabel("Label", { exact: true });
    await read;
    await label.fill("Mine");
    await rest("PUT", `/auth/tokens/${made.Beta.id}`, { name: "Theirs" });
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.getByText("Somebody else changed this in the meantime").waitFor();
    await assertAccessibleInBoth(page, "changed by somebody else");
    assert.equal(await label.inputValue(), "Mine");
    await dialog.getByRole("button", { name: "Load what is there now" }).click();
    await page.waitForFunction(() => document.querySelector("[role=dialog] input[name=name]").value === "Theirs");
    await isFocused(page, "Edit token");
    await label.fill("Beta");
    await dialog.getByRole("button", { name: "Save" }).click();
    await row(page, "Beta").waitFor();
    await closePage(page);
  });
});

describe("deleting", () => {
  test("says when the token was last used as it is now, what it made, and what could not be looked up", async () => {
    const page = await open();
    const dialog = page.getByRole("alertdialog", { name: "Delete this token?" });
    await row(page, "Alpha").waitFor();
    const used = await rest("POST", "/auth/tokens", { name: "Used since", extension: { name: "custom" } });
    await row(page, "Used since").waitFor();
    assert.equal(await authorize(used.token), 204);
    await chooseFromMenu(page, "Used since", "Delete");
    await dialog.getByText("Last used:").locator("time").waitFor();
    await dialog.getByText("It made no webhooks.").waitFor();
    await page.keyboard.press("Escape");
    await anyDialog(page).waitFor({ state: "hidden" });
    await chooseFromMenu(page, "Beta", "Delete");
    await dialog.getByText("It was never used").waitFor();
    await page.keyboard.press("Escape");
    await anyDialog(page).waitFor({ state: "hidden" });
    await page.route("**/notifications/webhooks*", (route) => route.fulfill({ status: 500, body: "{}" }));
    await page.route("**/auth/tokens/SU-*", (route) => route.fulfill({ status: 500, body: "{}" }));
    await chooseFromMenu(page, "Beta", "Delete");
    await dialog.getByText("The webhooks that it made could not be looked up.").waitFor();
    await dialog.getByText("When it was last used could not be looked up.").waitFor();
    await closePage(page);
  });
});

describe("what fails half-way", () => {
  const fail = (route) => route.fulfill({ status: 500, body: "{}" });

  test("permissions of which the first half was changed are changed wholly by trying again", async () => {
    const { id } = await rest("POST", "/auth/tokens", { name: "Half changed", extension: { name: "custom" } });
    await rest("POST", `/auth/tokens/${id}/permissions`, { object: { id: "MD-0001" } });
    const page = await open(`/tokens/${id}`);
    await page.getByRole("button", { name: "Change permissions" }).click();
    const dialog = page.getByRole("dialog", { name: "Change permissions" });
    await dialog.getByRole("checkbox", { name: /MD-0001$/ }).uncheck();
    await dialog.getByRole("checkbox", { name: /MD-0002$/ }).check();
    await page.route("**/permissions", (route) => (route.request().method() === "POST" ? fail(route) : route.continue()));
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.getByText("Something went wrong").waitFor();
    await page.unrouteAll({ behavior: "wait" });
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "hidden" });
    const held = await rest("GET", `/auth/tokens/${id}/permissions`);
    assert.deepEqual(held.map(({ object }) => object.id), ["MD-0002"]);
    await rest("DELETE", `/auth/tokens/${id}`);
    await closePage(page);
  });

  test("permissions that could not be loaded are not saved, but loaded again", async () => {
    const page = await open(`/tokens/${made.Beta.id}`);
    await page.getByRole("heading", { name: "Permissions" }).waitFor();
    await page.route(`**/auth/tokens/${made.Beta.id}`, fail);
    await page.getByRole("button", { name: "Change permissions" }).click();
    const dialog = page.getByRole("dialog", { name: "Change permissions" });
    await dialog.getByText("Something went wrong").waitFor();
    assert.ok(await dialog.getByRole("button", { name: "Save" }).isDisabled());
    await page.unroute(`**/auth/tokens/${made.Beta.id}`, fail);
    await dialog.getByRole("button", { name: "Try again" }).click();
    await dialog.getByRole("radio", { name: /^Every module/ }).waitFor();
    await isFocused(page, "Change permissions");
    assert.ok(await dialog.getByRole("button", { name: "Save" }).isEnabled());
    await closePage(page);
  });

  test("a browser that does not copy shows the value, to be copied by hand", async () => {
    const page = await open();
    await page.addInitScript(() => Object.defineProperty(navigator, "clipboard", { value: undefined }));
    await page.reload();
    await row(page, "Beta").getByRole("button", { name: "Copy the value" }).click();
    await notice(page, "Copied.").waitFor();
    await page.getByLabel("Search label").press("Control+V");
    await page.waitForURL(new RegExp(`q=${made.Beta.id}$`));
    await page.evaluate(() => (document.execCommand = () => false));
    await row(page, "Beta").getByRole("button", { name: "Copy the value" }).click();
    await notice(page, "Your browser did not allow copying.").waitFor();
    await row(page, "Beta").getByText(made.Beta.token).waitFor();
    await page.getByRole("button", { name: "Close" }).click();
    await closePage(page);
  });
});

describe("a token's page", () => {
  test("tells all of it; permissions are chosen at creation and changed there", async () => {
    const page = await open();
    await createToken(page, "Limited", async (dialog) => {
      await dialog.getByRole("radio", { name: /^Only the modules/ }).check();
      await dialog.getByRole("button", { name: "Create token" }).click();
      await dialog.getByText("Choose at least one module.").waitFor();
      await dialog.getByRole("checkbox", { name: /MD-0002$/ }).check();
    });
    await leaveSummary(page);
    const label = page.getByRole("link", { name: "Limited" });
    const [tab] = await Promise.all([page.context().waitForEvent("page"), label.click({ modifiers: ["Control"] })]);
    await tab.getByRole("heading", { name: "Limited" }).waitFor();
    await tab.close();
    await page.evaluate(() => (globalThis.sameDocument = true));
    await label.click();
    await page.getByRole("heading", { name: "Limited" }).waitFor();
    assert.ok(await page.evaluate(() => globalThis.sameDocument), "nothing is loaded anew");
    await page.getByText("nothing else:").waitFor();
    assert.match(await page.locator("dd time").first().textContent(), /:\d\d:\d\d/, "to the second");
    const modules = page.locator("ul.plain-list").getByRole("listitem").filter({ hasText: /MD-/ });
    assert.equal(await modules.count(), 1);
    await page.getByRole("button", { name: "Show the value" }).click();
    await page.getByRole("button", { name: "Hide the value" }).click();
    await page.getByRole("button", { name: "Change permissions" }).click();
    await page.getByRole("checkbox", { name: /MD-0001$/ }).check();
    await page.getByRole("checkbox", { name: /MD-0002$/ }).uncheck();
    await page.getByRole("button", { name: "Save" }).click();
    await modules.filter({ hasText: "MD-0001" }).waitFor();
    await modules.filter({ hasText: "MD-0002" }).waitFor({ state: "detached" });
    const id = page.url().split("/").at(-1);
    const held = await rest("GET", `/auth/tokens/${id}/permissions`);
    assert.deepEqual(held.map((each) => each.object.id), ["MD-0001"]);
    await page.getByRole("button", { name: "Actions" }).click();
    await chooseItem(page, "Delete");
    await page.getByRole("button", { name: "Delete token" }).click();
    await page.waitForURL("**/tokens");
    await page.goto(`/tokens/${id}`);
    await page.getByText("This token was deleted.").waitFor();
    await page.getByRole("list", { name: "History" }).getByText("Deleted the token").waitFor();
    assert.equal(await page.getByRole("button", { name: "Try again" }).count(), 0);
    await assertAccessibleInBoth(page, "a token that was deleted");
    await page.goto("/tokens/SU-000-000-001");
    await page.getByText("This no longer exists.").waitFor();
    assert.equal(await page.getByRole("button", { name: "Try again" }).count(), 0);
    await closePage(page);
  });

  test("shows its webhooks, and deleting it names them", async () => {
    const token = await rest("POST", "/auth/tokens", { name: "Subscriber", extension: { name: "custom" } });
    const answer = await fetch(`${scene.server.url}/public/v1/notifications/webhooks`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `ApiKey ${token.token}` },
      body: JSON.stringify({ label: "Its hook", object_class: "token", external_url: "https://example.com/x" }),
    });
    assert.equal(answer.status, 201);
    const page = await open(`/tokens/${token.id}`);
    await page.getByText("Its hook").waitFor();
    await page.getByRole("button", { name: "Actions" }).click();
    await chooseItem(page, "Delete");
    const dialog = page.getByRole("alertdialog", { name: "Delete this token?" });
    await dialog.getByText("Subscriber").waitFor();
    await dialog.getByText("Its hook").waitFor();
    await closePage(page);
  });
});
