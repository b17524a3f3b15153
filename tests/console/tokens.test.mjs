// A token from its creation to its deletion, other people at the same time, hostile labels.
// Debian's Chromium against the real program; run.cmake runs this and names the program.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import {
  anyDialog,
  assertAccessible,
  chooseFromMenu,
  clipboard,
  closePage,
  createToken,
  follow,
  leaveSummary,
  notice,
  openAs,
  overhang,
  row,
} from "./support/browser.mjs";
import { suite } from "./support/suite.mjs";

const KEY = /^SU-\d{3}-\d{3}-\d{3}:[0-9a-f]{40}$/;
const HANDLE = /^[0-9a-f]{40}$/;

const scene = suite();
const { describe, open } = scene;

describe("a token's life", () => {
  let page;
  let key;

  before(async () => {
    page = await open("/tokens", { ownContext: true });
  });
  after(() => closePage(page));

  test("created for an API client: its key is shown, copied and let in", async () => {
    const summary = await createToken(page, "Billing importer", async (dialog) => {
      await dialog.getByLabel("Description").fill("Nightly invoices");
      await dialog.getByLabel("External ID").fill("erp-7");
    });
    await summary.getByRole("button", { name: "Copy the API key" }).click();
    await notice(page, "Copied.").waitFor();
    key = await clipboard(page, (text) => KEY.test(text));
    assert.ok((await summary.textContent()).includes(key));
    const answer = await fetch(`${scene.server.url}/authorize`, { headers: { Authorization: `ApiKey ${key}` } });
    assert.equal(answer.status, 204);
    await leaveSummary(page);
    assert.ok(!(await page.content()).includes(key.split(":")[1]), "the key is gone with the dialog");
    await row(page, "Billing importer").getByText("Active").waitFor();
    await row(page, "Billing importer").getByText(scene.server.owner.email).waitFor();
  });

  test("created for Zapier: active while one watches", async () => {
    const summary = await createToken(page, "Orders to Slack", async (dialog) => {
      await dialog.getByLabel("Type").press("Enter");
      await page.getByRole("option", { name: /To integrate Zapier/ }).click();
    });
    await summary.getByText("Active").waitFor();
    await summary.getByRole("button", { name: "Copy the Handle" }).click();
    await clipboard(page, (text) => HANDLE.test(text));
    await leaveSummary(page);
    await row(page, "Orders to Slack").getByText("Active").waitFor();
  });

  test("shown and hidden, leaving nothing behind", async () => {
    const billing = row(page, "Billing importer");
    const secret = key.split(":")[1];
    const height = (await billing.boundingBox()).height;
    assert.ok(!(await page.content()).includes(secret));
    await billing.getByRole("button", { name: "Show the value" }).click();
    await billing.getByText(key).waitFor();
    assert.equal((await billing.boundingBox()).height, height, "the row does not jump");
    await billing.getByRole("button", { name: "Hide the value" }).click();
    await billing.getByText("Hidden").waitFor();
    assert.ok(!(await page.content()).includes(secret));
    assert.deepEqual(await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]), [0, 0, ""]);
  });

  test("hidden again by itself after half a minute", async () => {
    await page.clock.install();
    const billing = row(page, "Billing importer");
    await billing.getByRole("button", { name: "Show the value" }).click();
    await billing.getByText(key).waitFor();
    await page.clock.runFor(29_000);
    assert.equal(await billing.getByText(key).count(), 1);
    await page.clock.runFor(2_000);
    await billing.getByText(key).waitFor({ state: "detached" });
    await page.clock.resume();
  });

  test("copied from the table without being shown", async () => {
    await page.evaluate(() => navigator.clipboard.writeText("something else"));
    await row(page, "Billing importer").getByRole("button", { name: "Copy the value" }).click();
    await clipboard(page, (text) => text === key);
    assert.ok(!(await page.content()).includes(key.split(":")[1]));
  });

  test("checked on the general page", async () => {
    await follow(page, "General");
    await page.waitForFunction(() => document.activeElement?.tagName === "H1");
    await page.getByText(`${scene.server.url}/public/v1`, { exact: true }).waitFor();
    await page.getByRole("button", { name: "Copy the curl command" }).click();
    const curl = `curl -H "Authorization: ApiKey SU-…:…" ${scene.server.url}/public/v1/auth/tokens`;
    await clipboard(page, (text) => text === curl);
    await page.getByRole("button", { name: "Copy the API endpoint" }).click();
    await clipboard(page, (text) => text === `${scene.server.url}/public/v1`);
    const field = page.getByLabel("API key", { exact: true });
    const check = async (text) => {
      await field.fill(text);
      await field.press("Enter");
    };
    await check(`ApiKey ${key}`);
    await page.getByText("This key is let in.").waitFor();
    await page.getByText("Billing importer").waitFor();
    await page.getByText(scene.server.owner.account, { exact: true }).waitFor();
    await page.getByText("Every module", { exact: true }).waitFor();
    assert.equal(await field.inputValue(), "", "the key does not stay");
    await field.fill("another");
    await page.getByText("This key is let in.").waitFor({ state: "detached" });
    await check(key.replace(/.$/, (digit) => (digit === "0" ? "1" : "0")));
    await page.getByText("This key is refused. It belongs to no token").waitFor();
    await check("no key at all");
    await page.getByText("This is not an API key.").waitFor();
    assert.equal(await field.evaluate((element) => element === document.activeElement), true);
    await check("ab".repeat(20));
    await page.getByText("This is a Zapier handle, not an API key.").waitFor();
    const rest = await scene.server.rest();
    const other = await rest("POST", "/auth/tokens", { name: "Limited", extension: { name: "custom" } });
    await rest("POST", `/auth/tokens/${other.id}/permissions`, { object: { id: "MD-0002" } });
    await check(other.token);
    await page.getByText("This key is let in.").waitFor();
    await page.getByText(/MD-0002$/).waitFor();
    assert.equal(await page.getByText("Every module").count(), 0);
    await rest("POST", `/auth/tokens/${other.id}/deactivate`);
    await check(other.token);
    await page.getByText("This key is refused. It belongs to a token that is pending").waitFor();
    await rest("DELETE", `/auth/tokens/${other.id}`);
    await follow(page, "Tokens");
  });

  test("edited; what the API refuses is said at its field", async () => {
    await chooseFromMenu(page, "Billing importer", "Edit");
    const dialog = page.getByRole("dialog", { name: "Edit token" });
    const label = dialog.getByLabel("Label", { exact: true });
    await page.waitForFunction(() => document.activeElement?.getAttribute("name") === "name");
    assert.equal(await dialog.getByLabel("External ID").inputValue(), "erp-7");
    await label.fill("a".repeat(129));
    await dialog.getByText("At most 128 characters.").waitFor();
    await label.fill("Control \u0085 character");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.getByText("Control characters are not allowed.").waitFor();
    assert.equal(await label.getAttribute("aria-invalid"), "true");
    await label.fill("Billing exporter");
    await dialog.getByRole("button", { name: "Save" }).click();
    await row(page, "Billing exporter").waitFor();
    await page.waitForFunction(() => document.activeElement?.getAttribute("aria-label") === "Actions for Billing exporter");
  });

  test("deleted after asking; its client is refused at once", async () => {
    await chooseFromMenu(page, "Billing exporter", "Delete");
    const dialog = page.getByRole("alertdialog", { name: "Delete this token?" });
    await dialog.getByText("Billing exporter").waitFor();
    await dialog.getByText("every client that uses it is refused").waitFor();
    await page.waitForFunction(() => document.activeElement?.textContent?.trim() === "Cancel");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    assert.equal(await row(page, "Billing exporter").count(), 1);
    await chooseFromMenu(page, "Billing exporter", "Delete");
    await dialog.getByRole("button", { name: "Delete token" }).click();
    await row(page, "Billing exporter").waitFor({ state: "detached" });
    const answer = await fetch(`${scene.server.url}/authorize`, { headers: { Authorization: `ApiKey ${key}` } });
    assert.equal(answer.status, 401);
  });
});

describe("others at the same time", () => {
  test("two browsers: what one deletes, the other is told of", async () => {
    const [one, two] = [await open(), await open()];
    // As it is between a change and its news.
    await two.route("**/events/stream*", (route) => route.abort());
    await createToken(one, "Shared");
    await leaveSummary(one);
    await two.reload();
    await row(two, "Shared").waitFor();
    await chooseFromMenu(one, "Shared", "Delete");
    await one.getByRole("button", { name: "Delete token" }).click();
    await row(one, "Shared").waitFor({ state: "detached" });
    await row(two, "Shared").getByRole("button", { name: "Show the value" }).click();
    await notice(two, "This no longer exists.").waitFor();
    await chooseFromMenu(two, "Shared", "Delete");
    await two.getByRole("button", { name: "Delete token" }).click();
    await notice(two, "It was already deleted.").waitFor();
    await row(two, "Shared").waitFor({ state: "detached" });
    await Promise.all([closePage(one), closePage(two)]);
  });

  test("an auditor looks and touches nothing", async () => {
    const page = await openAs(scene.browser, scene.server, scene.server.auditor);
    await row(page, "Orders to Slack").getByText("Active").waitFor();
    for (const name of [/Create token/, /Show the value/, /Copy the value/, /Actions for/]) {
      assert.equal(await page.getByRole("button", { name }).count(), 0, String(name));
    }
    await assertAccessible(page, "an auditor's tokens");
    await closePage(page);
  });
});

describe("labels that mean harm", () => {
  const labels = ["<img src=x onerror=alert(1)>", "{{constructor.constructor('alert(1)')()}}", "🧑‍🚀".repeat(42), "🔑".repeat(128), "שלום ‮ abc", "مفتاح الواجهة"];

  test("are text everywhere", async () => {
    const page = await open("/tokens", { viewport: { width: 1280, height: 860 } });
    for (const label of labels) {
      const summary = await createToken(page, label);
      assert.ok((await summary.textContent()).includes(label));
      await leaveSummary(page);
      await row(page, label).waitFor();
    }
    assert.equal(await page.locator("main img").count(), 0);
    assert.ok((await overhang(page)) <= 0, "the page does not scroll sideways, and nothing is cut off");
    const requestor = await page.getByRole("columnheader", { name: "Requestor" }).boundingBox();
    assert.ok(requestor.width >= 140, "an e-mail address has room beside them");
    await chooseFromMenu(page, labels[0], "Delete");
    await anyDialog(page).getByText(labels[0]).waitFor();
    await page.getByRole("button", { name: "Delete token" }).click();
    await row(page, labels[0]).waitFor({ state: "detached" });
    await closePage(page);
  });
});

describe("the record", () => {
  test("every showing and copying is in the log", async () => {
    await scene.server.stop();
    assert.equal((await scene.server.events("TokenRevealed")).length, 3);
  });
});
