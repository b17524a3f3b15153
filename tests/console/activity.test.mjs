// What happened, and that it shows in every browser as it happens.
// Debian's Chromium against the real program; run.cmake runs this and names the program.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import {
  anyDialog,
  assertAccessible,
  chooseFromMenu,
  closePage,
  follow,
  isFocused,
  openAs,
  row,
} from "./support/browser.mjs";
import { suite } from "./support/suite.mjs";

const HOSTILE = "<img src=x onerror=alert(1)> =1+1";

let rest;
let token;

const scene = suite(async ({ server }) => {
  rest = await server.rest();
  token = await rest("POST", "/auth/tokens", { name: HOSTILE, extension: { name: "custom" } });
  await rest("PUT", `/auth/tokens/${token.id}`, { description: "changed" });
  await rest("POST", `/auth/tokens/${token.id}/reveal`);
  await rest("POST", `/auth/tokens/${token.id}/permissions`, { object: { id: "MD-0001" } });
  const webhook = { label: "Orders", object_class: "token", external_url: "https://example.com/hook" };
  await rest("POST", "/notifications/webhooks", { ...webhook, active: false });
});
const { describe, open } = scene;
const events = (page, name = "Activity") => page.getByRole("list", { name }).getByRole("listitem");

async function download(page, name) {
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name }).click()]);
  return { name: file.suggestedFilename(), text: await readFile(await file.path(), "utf8") };
}

describe("the activity page", () => {
  test("says in words what happened, to what, who did it and from where; the rest on demand", async () => {
    const page = await open("/activity");
    const entry = events(page).filter({ hasText: "Gave permissions to the token" });
    await entry.getByRole("link", { name: HOSTILE }).waitFor();
    await entry.getByText("Modules: MD-0001").waitFor();
    await entry.getByText(scene.server.owner.email).waitFor();
    await entry.getByText("127.0.0.1").waitFor();
    await events(page).filter({ hasText: "Changed the token" }).getByText("Changed: description").waitFor();
    await events(page).filter({ hasText: "Looked at the value of the token" }).waitFor();
    await events(page).filter({ hasText: "the operator" }).first().waitFor();
    await entry.getByText("Details").click();
    await entry.getByText("PermissionsGranted").waitFor();
    await entry.getByText("Request ID").waitFor();
    await assertAccessible(page, "activity");
    assert.ok(!(await page.content()).includes(token.token.split(":")[1]), "no secret is there");
    assert.equal(await page.locator("main img").count(), 0);
    await closePage(page);
  });

  test("is filtered by what, who, thing and day, each in the address", async () => {
    const page = await open("/activity");
    await page.getByRole("combobox", { name: "What" }).selectOption("Looked at the value of the token");
    await events(page).filter({ hasText: "Created the token" }).waitFor({ state: "detached" });
    assert.equal(await events(page).count(), 1);
    assert.match(page.url(), /type=TokenRevealed/);
    await page.getByRole("combobox", { name: "What" }).selectOption("Everything");
    await page.getByLabel("ID of a token").fill(token.id);
    await page.waitForURL(/object=SU-/);
    await events(page).filter({ hasText: "Created the webhook" }).waitFor({ state: "detached" });
    assert.equal(await events(page).count(), 4);
    await page.reload();
    await events(page).nth(3).waitFor();
    await page.getByRole("combobox", { name: "Who" }).selectOption("Any operator");
    await page.getByText("Nothing matches.").waitFor();
    await page.getByRole("button", { name: "Clear search and filters" }).click();
    await isFocused(page, "Activity");
    await page.getByRole("combobox", { name: "Who" }).selectOption(scene.server.owner.email);
    await page.waitForURL(/who=UR-/);
    await events(page).filter({ hasText: "the operator" }).first().waitFor({ state: "detached" });
    await page.getByLabel("IP address").fill("192.0.2.1");
    await page.getByText("Nothing matches.").waitFor();
    assert.match(page.url(), /ip=192\.0\.2\.1/);
    for (const format of ["CSV", "JSON lines"]) {
      const address = await page.getByRole("link", { name: `Export ${format}` }).getAttribute("href");
      assert.match(address, /client_ip=192\.0\.2\.1/);
    }
    await page.getByLabel("IP address").fill("");
    await events(page).filter({ hasText: "Created the token" }).getByRole("link", { name: "127.0.0.1" }).click();
    await page.waitForURL(/activity\?ip=127\.0\.0\.1$/);
    assert.equal(await page.getByLabel("IP address").inputValue(), "127.0.0.1");
    await events(page).filter({ hasText: "Created the token" }).waitFor();
    await page.getByLabel("To", { exact: true }).fill("2020-01-31");
    await page.getByText("Nothing matches.").waitFor();
    // As the browser has it, some days behind that of the token's creation.
    const dayAfter = (days) =>
      page.evaluate(
        ([at, later]) => {
          const date = new Date(at);
          date.setDate(date.getDate() + later);
          const two = (value) => String(value).padStart(2, "0");
          return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
        },
        [token.events.created.at, days],
      );
    await page.getByLabel("To", { exact: true }).fill(await dayAfter(0));
    await events(page).filter({ hasText: "Created the token" }).waitFor();
    await page.getByLabel("To", { exact: true }).fill("");
    await page.getByLabel("From", { exact: true }).fill(await dayAfter(2));
    await page.getByText("Nothing matches.").waitFor();
    await page.getByLabel("From", { exact: true }).fill(await dayAfter(0));
    await events(page).filter({ hasText: "Created the token" }).waitFor();
    await closePage(page);
  });

  test("is taken away as CSV and as JSON lines, as filtered", async () => {
    const page = await open(`/activity?object=${token.id}`, { ownContext: true });
    await events(page).nth(3).waitFor();
    const lines = await download(page, "Export JSON lines");
    assert.match(lines.name, /\.jsonl$/);
    const types = lines.text.trim().split("\n").map((line) => JSON.parse(line).type);
    assert.deepEqual(types, ["TokenCreated", "TokenUpdated", "TokenRevealed", "PermissionsGranted"]);
    const table = await download(page, "Export CSV");
    assert.match(table.name, /\.csv$/);
    assert.equal(table.text.trim().split("\n").length, 5, "a head and four events");
    await page.context().clearCookies();
    await page.getByRole("link", { name: "Export CSV" }).dispatchEvent("click");
    await page.getByRole("dialog", { name: "Sign in again" }).waitFor();
    await closePage(page);
  });

  test("a token's page has its history, and its times as they are here, exact on hover", async () => {
    const page = await open(`/tokens/${token.id}`, { timezoneId: "Asia/Kolkata" });
    await events(page, "History").filter({ hasText: "Created the token" }).waitFor();
    assert.equal(await events(page, "History").count(), 4);
    const created = page.locator("dd time").first();
    const at = Date.parse(await created.getAttribute("datetime"));
    const clock = (moment) => new Date(moment).toISOString().slice(11, 19);
    const here = clock(at + 5.5 * 60 * 60 * 1000);
    const exact = await created.getAttribute("title");
    assert.ok((await created.textContent()).includes(here), "local");
    assert.ok(exact.includes(here) && exact.includes(`${clock(at)} UTC)`), exact);
    await closePage(page);
  });
});

describe("two browsers", () => {
  test("what one does shows in the other: tokens, a token, webhooks, activity; what one types stays", async () => {
    const page = await open("/tokens");
    await row(page, HOSTILE).waitFor();
    const made = await rest("POST", "/auth/tokens", { name: "By another", extension: { name: "custom" } });
    await row(page, "By another").getByText("Active").waitFor();
    await page.getByRole("button", { name: "Create token" }).click();
    const label = page.getByRole("dialog", { name: "Create token" }).getByLabel("Label", { exact: true });
    await label.fill("Half typ");
    await rest("PUT", `/auth/tokens/${made.id}`, { name: "Renamed" });
    await page.locator("tbody").getByText("Renamed").waitFor();
    assert.equal(await label.inputValue(), "Half typ");
    await page.keyboard.press("Escape");
    await anyDialog(page).waitFor({ state: "hidden" });

    await follow(page, "Renamed");
    await page.getByText("Active", { exact: true }).waitFor();
    await rest("POST", `/auth/tokens/${made.id}/deactivate`);
    await page.getByText("Disabled", { exact: true }).waitFor();
    await events(page, "History").filter({ hasText: "Disabled the token" }).waitFor();
    await rest("DELETE", `/auth/tokens/${made.id}`);
    await page.getByText("This token was deleted.").waitFor();
    await events(page, "History").filter({ hasText: "Deleted the token" }).waitFor();

    await follow(page, "Webhooks");
    await page.getByText("Orders", { exact: true }).waitFor();
    const webhook = { label: "By another", object_class: "token", external_url: "https://example.com/other" };
    const { id } = await rest("POST", "/notifications/webhooks", { ...webhook, active: false });
    await page.getByText("By another", { exact: true }).waitFor();
    await rest("DELETE", `/notifications/webhooks/${id}`);
    await page.getByText("By another", { exact: true }).waitFor({ state: "detached" });

    await follow(page, "Activity");
    await events(page).filter({ hasText: "Deleted the webhook" }).waitFor();
    await rest("POST", `/auth/tokens/${token.id}/rotate`);
    await events(page).filter({ hasText: "Rotated the token" }).waitFor();
    await closePage(page);
  });

  test("that a token was used shows on its page within a minute", async () => {
    const made = await rest("POST", "/auth/tokens", { name: "Unused", extension: { name: "custom" } });
    const page = await open("/general", { ownContext: true });
    await page.clock.install();
    await page.goto(`/tokens/${made.id}`);
    await page.getByText("Never, as far as is known").waitFor();
    const headers = { Authorization: `ApiKey ${made.token}` };
    assert.equal((await fetch(`${scene.server.url}/authorize`, { headers })).status, 204);
    await page.clock.fastForward(60_000);
    await page.getByText("Never, as far as is known").waitFor({ state: "detached" });
    await rest("DELETE", `/auth/tokens/${made.id}`);
    await closePage(page);
  });

  test("a row that changes under an open menu and a shown value stays where it is", async () => {
    const page = await open("/tokens");
    const shown = row(page, HOSTILE);
    await shown.getByRole("button", { name: "Show the value" }).click();
    await shown.getByRole("button", { name: "Hide the value" }).waitFor();
    await page.getByRole("button", { name: `Actions for ${HOSTILE}` }).click();
    await page.getByRole("menuitem", { name: "Edit" }).waitFor();
    const place = await shown.boundingBox();
    await rest("POST", `/auth/tokens/${token.id}/deactivate`);
    await shown.getByText("Disabled").waitFor();
    assert.deepEqual(await shown.boundingBox(), place);
    assert.equal(await page.getByRole("menuitem", { name: "Edit" }).count(), 1);
    assert.equal(await shown.getByRole("button", { name: "Hide the value" }).count(), 1);
    await rest("POST", `/auth/tokens/${token.id}/activate`);
    await closePage(page);
  });

  test("whoever is signed out elsewhere learns it without touching anything", async () => {
    const user = await scene.server.inviteMember("eve@example.com");
    const page = await openAs(scene.browser, scene.server, user);
    await row(page, HOSTILE).waitFor();
    const [{ id }] = await rest("GET", `/accounts/${scene.server.owner.account}/users?email=eve@example.com`);
    await rest("POST", `/accounts/${scene.server.owner.account}/users/${id}/deactivate`);
    await page.getByRole("dialog", { name: "Sign in again" }).waitFor();
    await closePage(page);
  });

  test("a restart is said without touching anything, and what happened meanwhile shows", async () => {
    const page = await open("/tokens");
    await row(page, HOSTILE).waitFor();
    await scene.server.stop();
    await page.getByText("Mintmark cannot be reached.").waitFor();
    await scene.server.start();
    rest = await scene.server.rest();
    await rest("POST", "/auth/tokens", { name: "Meanwhile", extension: { name: "custom" } });
    await page.getByText("Mintmark cannot be reached.").waitFor({ state: "detached" });
    await row(page, "Meanwhile").waitFor();
    await rest("POST", "/auth/tokens", { name: "Afterwards", extension: { name: "custom" } });
    await row(page, "Afterwards").waitFor();
    await chooseFromMenu(page, "Afterwards", "Delete");
    await page.getByRole("button", { name: "Delete token" }).click();
    await row(page, "Afterwards").waitFor({ state: "detached" });
    await closePage(page);
  });
});
