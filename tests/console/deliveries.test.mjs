// What webhooks delivered and what they did not, what waits or was given up, Zapier tokens that cannot be announced.
// Debian's Chromium against the real program and a receiver on loopback; run.cmake runs this and names the program.
import assert from "node:assert/strict";
import { before, test } from "node:test";

import {
  assertAccessibleInBoth,
  closePage,
  createToken,
  follow,
  isFocused,
  leaveSummary,
  notice,
  openAs,
  row,
} from "./support/browser.mjs";
import { suite } from "./support/suite.mjs";

let rest;
let hook;

const scene = suite(
  async ({ server, receiver }) => {
    rest = await server.rest();
    receiver.answer("/flaky", 503);
    hook = await rest("POST", "/notifications/webhooks", {
      label: "Flaky <receiver>",
      object_class: "token",
      external_url: receiver.url("/flaky"),
      description: "For the tests",
    });
  },
  { receives: true },
);
const { describe, open } = scene;
const deliveries = (page) => page.getByRole("list", { name: "Deliveries" }).getByRole("listitem");

describe("a webhook's page", () => {
  before(async () => {
    await rest("POST", "/auth/tokens", { name: "Told of", extension: { name: "custom" } });
  });

  test("tells a failed delivery: attempts, answer, reason, what is sent", async () => {
    const page = await open("/webhooks");
    await follow(page, "Flaky <receiver>");
    await page.getByText("For the tests").waitFor();
    const entry = deliveries(page).filter({ hasText: "Token created" });
    await entry.getByText("The receiver answered 503.").first().waitFor();
    await entry.getByText("1 attempt", { exact: true }).waitFor();
    await entry.getByText("Waiting", { exact: true }).waitFor();
    await entry.getByText("next attempt").waitFor();
    assert.equal(await entry.getByText("Told of").count(), 0, "the body is not there before it is asked for");
    await entry.getByText("Details").click();
    await entry.getByText('"name": "Told of"').waitFor();
    await entry.getByRole("cell", { name: "503", exact: true }).waitFor();
    await assertAccessibleInBoth(page, "a webhook's page");
    await closePage(page);
  });

  test("retries it, and shows that it was delivered; cancels another after asking", async () => {
    const page = await open(`/webhooks/${hook.id}`);
    await deliveries(page).getByRole("button", { name: "Retry: Token created" }).waitFor();
    scene.receiver.answer("/flaky", 200);
    await deliveries(page).getByRole("button", { name: "Retry: Token created" }).click();
    await notice(page, "It is attempted again.").waitFor();
    await deliveries(page).getByText("Delivered", { exact: true }).waitFor();
    await deliveries(page).getByText("2 attempts").waitFor();
    await page.getByText("The receiver answered 200.").first().waitFor();

    scene.receiver.answer("/flaky", 503);
    await rest("POST", `/notifications/webhooks/${hook.id}/trigger`, { data: { order: 7 } });
    const entry = deliveries(page).filter({ hasText: "Asked for by hand" });
    await entry.getByText("The receiver answered 503.").first().waitFor();
    await entry.getByRole("button", { name: "Cancel: Asked for by hand" }).click();
    const dialog = page.getByRole("alertdialog", { name: "Cancel this?" });
    await dialog.getByRole("button", { name: "Do not attempt it" }).waitFor();
    await assertAccessibleInBoth(page, "cancelling a delivery");
    await dialog.getByRole("button", { name: "Do not attempt it" }).click();
    await entry.getByText("Cancelled", { exact: true }).waitFor();
    await page.getByRole("combobox", { name: "Status" }).selectOption("Delivered");
    await entry.waitFor({ state: "detached" });
    assert.match(page.url(), /status=done/);
    assert.equal(await deliveries(page).count(), 1);
    await closePage(page);
  });

  test("says why nothing is called, and an auditor only looks", async () => {
    scene.receiver.answer("/gone", 410);
    const gone = await rest("POST", "/notifications/webhooks", {
      label: "Gone",
      object_class: "billing_request",
      external_url: scene.receiver.url("/gone"),
    });
    await rest("POST", `/notifications/webhooks/${gone.id}/trigger`);
    const page = await openAs(scene.browser, scene.server, scene.server.auditor, `/webhooks/${gone.id}`);
    await page.getByText("Its receiver answered 410").waitFor();
    await page.getByText("Off", { exact: true }).waitFor();
    await deliveries(page).getByText("Given up", { exact: true }).waitFor();
    for (const name of [/^Retry/, /^Cancel/, /Actions/]) {
      assert.equal(await page.getByRole("button", { name }).count(), 0, String(name));
    }
    await closePage(page);
  });
});

describe("what is left to do", () => {
  test("is listed with its reason, filtered, and retried all at once after counting", async () => {
    await rest("POST", "/auth/tokens", { name: "Told of late", extension: { name: "custom" } });
    const page = await open("/deliveries");
    const jobs = page.getByRole("list", { name: "Deliveries" }).getByRole("listitem");
    await jobs.filter({ hasText: "Gone" }).getByText("Given up").waitFor();
    await jobs.filter({ hasText: "Flaky <receiver>" }).getByText("The receiver answered 503.").first().waitFor();
    await assertAccessibleInBoth(page, "deliveries");
    await page.getByRole("combobox", { name: "Status" }).selectOption("Given up");
    await jobs.filter({ hasText: "Flaky" }).first().waitFor({ state: "detached" });
    assert.match(page.url(), /status=dead/);
    await page.getByRole("combobox", { name: "Status" }).selectOption("All");
    await page.getByLabel("Search ID").fill(hook.id);
    await jobs.filter({ hasText: "Gone" }).waitFor({ state: "detached" });
    scene.receiver.answer("/flaky", 200);
    await page.getByRole("button", { name: "Retry all of these" }).click();
    const dialog = page.getByRole("alertdialog", { name: "Retry all of these?" });
    await dialog.getByText("That is 1 delivery.").waitFor();
    await assertAccessibleInBoth(page, "retrying all");
    await dialog.getByRole("button", { name: "Retry them" }).click();
    await notice(page, "1 is attempted again.").waitFor();
    await jobs.filter({ hasText: "Token created" }).waitFor({ state: "detached" });
    assert.ok(scene.receiver.calls.some(({ body }) => body?.data?.name === "Told of late"));
    await closePage(page);
  });
});

describe("a delivery that was given up", () => {
  test("is retried once its webhook is on again, and is gone from what is left to do", async () => {
    const [gone] = await rest("GET", "/notifications/webhooks?label=Gone");
    const page = await open("/deliveries?status=dead");
    const jobs = page.getByRole("list", { name: "Deliveries" }).getByRole("listitem");
    await jobs.filter({ hasText: "Gone" }).getByText("Given up").waitFor();
    scene.receiver.answer("/gone", 200);
    await rest("PUT", `/notifications/webhooks/${gone.id}`, { active: true });
    const before = scene.receiver.calls.filter(({ path }) => path === "/gone").length;
    await jobs.filter({ hasText: "Gone" }).getByRole("button", { name: /^Retry: / }).click();
    await notice(page, "It is attempted again.").waitFor();
    await page.getByText("No delivery matches.").waitFor();
    await page.goto(`/webhooks/${gone.id}`);
    await deliveries(page).getByText("Delivered", { exact: true }).waitFor();
    await deliveries(page).getByText("2 attempts").waitFor();
    assert.equal(scene.receiver.calls.filter(({ path }) => path === "/gone").length, before + 1);
    await closePage(page);
  });
});

describe("a token's webhooks", () => {
  test("are on its page with what they delivered", async () => {
    const token = await rest("POST", "/auth/tokens", { name: "Subscriber", extension: { name: "custom" } });
    const answer = await fetch(`${scene.server.url}/public/v1/notifications/webhooks`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `ApiKey ${token.token}` },
      body: JSON.stringify({ label: "Its hook", object_class: "token", external_url: scene.receiver.url("/its") }),
    });
    assert.equal(answer.status, 201);
    await rest("PUT", `/auth/tokens/${token.id}`, { description: "changed" });
    const page = await open(`/tokens/${token.id}`);
    const list = page.getByRole("list", { name: "Newest deliveries" });
    await list.getByText("Token changed").first().waitFor();
    await list.getByText("Delivered", { exact: true }).waitFor();
    await page.getByRole("link", { name: "Its hook" }).first().click();
    await page.getByRole("heading", { name: "Its hook" }).waitFor();
    await closePage(page);
  });
});

describe("a Zapier token that cannot be announced", () => {
  test("stays pending and says why, until a retry makes it active while one watches", async () => {
    scene.receiver.answer("/zapier", 500);
    const page = await open("/tokens?size=10");
    await row(page, "Told of").waitFor();
    const summary = await createToken(page, "For Zapier", async (dialog) => {
      await dialog.getByLabel("Type").press("Enter");
      await page.getByRole("option", { name: /To integrate Zapier/ }).click();
    });
    await summary.getByText("Pending").waitFor();
    await summary.getByText("The receiver answered 500.").waitFor();
    await leaveSummary(page);
    await row(page, "For Zapier").getByText("Pending").waitFor();
    await follow(page, "For Zapier");
    await page.getByText("The receiver answered 500.").first().waitFor();
    await assertAccessibleInBoth(page, "a failed connection");
    scene.receiver.answer("/zapier", 200);
    await page.getByRole("button", { name: "Try now" }).click();
    await page.getByText("Active", { exact: true }).waitFor();
    await page.getByText("The receiver answered 500.").first().waitFor({ state: "detached" });
    await isFocused(page, "For Zapier");
    await closePage(page);
  });

  test("says in its summary what to do next, and as it happens when the handle is of use", async () => {
    scene.receiver.answer("/zapier", 500);
    const page = await open("/tokens?size=10");
    await row(page, "Told of").waitFor();
    const summary = await createToken(page, "Watched", async (dialog) => {
      await dialog.getByLabel("Type").press("Enter");
      await page.getByRole("option", { name: /To integrate Zapier/ }).click();
    });
    assert.deepEqual(await summary.getByRole("listitem").allTextContents(), [
      "In Zapier, add a connection for your Mintmark account.",
      "Paste the handle where it asks for it.",
      "Should it ask for an endpoint as well, it is this one:",
    ]);
    await summary.getByRole("group", { name: "API endpoint" }).getByText(`${scene.server.url}/public/v1`).waitFor();
    const status = summary.getByRole("status");
    await status.getByText("Preparing the connection to Zapier…").waitFor();
    await summary.getByText("The receiver answered 500.").waitFor();
    scene.receiver.answer("/zapier", 200);
    await summary.getByRole("button", { name: "Try now" }).click();
    await status.getByText("The connection is ready: Zapier can use the handle now.").waitFor();
    await status.getByText("Active", { exact: true }).waitFor();
    await leaveSummary(page);
    await closePage(page);
  });
});
