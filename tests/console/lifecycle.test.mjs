// Searching and filtering tokens, what one does to them after creation, their page, changes of others meanwhile.
// Debian's Chromium against the real program; run.cmake runs this and names the program.
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import {
  chooseFromMenu,
  clipboard,
  closePage,
  createToken,
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
const { open } = scene;

const authorize = async (key) =>
  (await fetch(`${scene.server.url}/authorize`, { headers: { Authorization: `ApiKey ${key}` } })).status;
const labels = (page) => page.locator("tbody .label").allTextContents();

describe("finding tokens", () => {
  test("by search, type, status and order, each in the address", async () => {
    const page = await open();
    await row(page, "Alpha").waitFor();
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
});

describe("from a token's menu", () => {
  test("disabled after asking, enabled again", async () => {
    const page = await open();
    await chooseFromMenu(page, "Alpha", "Disable");
    const dialog = page.getByRole("dialog", { name: "Disable this token?" });
    await dialog.getByText("Alpha").waitFor();
    await dialog.getByRole("button", { name: "Disable token" }).click();
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
    assert.equal(await label.inputValue(), "Mine");
    await dialog.getByRole("button", { name: "Load what is there now" }).click();
    await page.waitForFunction(() => document.querySelector("[role=dialog] input[name=name]").value === "Theirs");
    await label.fill("Beta");
    await dialog.getByRole("button", { name: "Save" }).click();
    await row(page, "Beta").waitFor();
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
    await page.getByRole("link", { name: "Limited" }).click();
    await page.getByRole("heading", { name: "Limited" }).waitFor();
    await page.getByText("nothing else:").waitFor();
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
    await page.getByRole("menuitem", { name: "Delete" }).click();
    await page.getByRole("button", { name: "Delete token" }).click();
    await page.waitForURL("**/tokens");
    await page.goto(`/tokens/${id}`);
    await page.getByText("This no longer exists.").waitFor();
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
    await page.getByRole("menuitem", { name: "Delete" }).click();
    const dialog = page.getByRole("dialog", { name: "Delete this token?" });
    await dialog.getByText("Subscriber").waitFor();
    await dialog.getByText("Its hook").waitFor();
    await closePage(page);
  });
});
