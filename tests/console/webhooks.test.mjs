// Webhooks from their creation to their deletion.
// Debian's Chromium against the real program; run.cmake runs this and names the program.
import assert from "node:assert/strict";
import { test } from "node:test";

import {
  anyDialog,
  assertAccessibleInBoth,
  chooseFromMenu,
  clipboard,
  closePage,
  holdBack,
  openAs,
} from "./support/browser.mjs";
import { suite } from "./support/suite.mjs";

const scene = suite(undefined, { receives: true });
const { describe, open } = scene;
const entry = (page, label) => page.getByRole("listitem").filter({ has: page.getByText(label, { exact: true }) });

describe("a webhook's life", () => {
  test("created, with what is wrong said at its field", async () => {
    const page = await open("/webhooks");
    await page.getByText("No webhooks yet").waitFor();
    await assertAccessibleInBoth(page, "no webhooks");
    await page.getByRole("button", { name: "Create webhook" }).click();
    const dialog = page.getByRole("dialog", { name: "Create webhook" });
    const submit = dialog.getByRole("button", { name: "Create webhook" });
    await dialog.getByLabel("Label", { exact: true }).fill("<b>Orders</b>");
    await dialog.getByLabel("URL").fill("ftp://example.com");
    await dialog.getByLabel("Headers of the call").fill("no colon");
    await dialog.getByLabel("Data to send along").fill("[1]");
    await submit.click();
    await dialog.getByText("Enter an address that begins").waitFor();
    await dialog.getByText("Each line needs a name").waitFor();
    await dialog.getByText("This is not a JSON object.").waitFor();
    await dialog.getByLabel("URL").fill("https://user@example.com/hook");
    await dialog.getByLabel("Headers of the call").fill("X-Team: billing");
    await dialog.getByLabel("Data to send along").fill('{"channel": "orders"}');
    await submit.click();
    await dialog.getByText("without user, password and fragment").waitFor();
    await dialog.getByLabel("URL").fill(scene.receiver.url("/hook"));
    await submit.click();
    await entry(page, "<b>Orders</b>").getByText(`POST ${scene.receiver.url("/hook")}`).waitFor();
    await closePage(page);
  });

  test("tested, its secret copied, edited, deleted", async () => {
    const rest = await scene.server.rest();
    const [{ id, jwt_secret: secret, headers, data }] = await rest("GET", "/notifications/webhooks");
    assert.deepEqual([headers, data], [{ "X-Team": "billing" }, { channel: "orders" }]);
    const page = await open("/webhooks");
    const label = "<b>Orders</b>";
    await chooseFromMenu(page, label, "Test");
    const test = page.getByRole("dialog", { name: "Test this webhook" });
    await test.getByRole("button", { name: "Send the test" }).click();
    await test.getByText("It answered 204").waitFor();
    await test.getByText("Delivered", { exact: true }).waitFor();
    assert.equal(scene.receiver.calls.at(-1).body.data.test, true);
    assert.equal(scene.receiver.calls.at(-1).body.data.channel, "orders");
    scene.receiver.answer("/hook", 500);
    await test.getByRole("button", { name: "Send it again" }).click();
    await test.getByText("The receiver answered 500.").waitFor();
    await assertAccessibleInBoth(page, "what came of a test");
    await page.route("**/deliveries?id=*", (route) => route.fulfill({ status: 500, body: "{}" }), { times: 1 });
    scene.receiver.answer("/hook", 204);
    await test.getByRole("button", { name: "Send it again" }).click();
    await test.getByText("Something went wrong").waitFor();
    await test.getByText("It answered 204").waitFor();
    assert.equal(await test.getByText("Something went wrong").count(), 0);
    await page.route(/\/test$|deliveries\?id=/, async (route) => {
      const response = await route.fetch();
      const told = await response.json();
      const heldBack = { ...[told].flat()[0], status: "parked", attempts: [] };
      await route.fulfill({ response, json: Array.isArray(told) ? [heldBack] : heldBack });
    });
    await test.getByRole("button", { name: "Send it again" }).click();
    await test.getByText("Waits until its webhook is called again").waitFor();
    assert.ok(await test.getByRole("button", { name: "Send it again" }).isEnabled(), "it can be sent again");
    await page.unrouteAll({ behavior: "wait" });
    await test.getByRole("button", { name: "Close" }).last().click();
    await test.waitFor({ state: "hidden" });

    assert.ok(!(await page.content()).includes(secret));
    await chooseFromMenu(page, label, "Show signing secret");
    await page.getByRole("button", { name: "Copy the signing secret" }).click();
    await clipboard(page, (text) => text === secret);
    await page.getByRole("button", { name: "Close" }).last().click();
    await anyDialog(page).waitFor({ state: "hidden" });
    assert.ok(!(await page.content()).includes(secret));

    // Somebody else changes it while it is read.
    const letGo = await holdBack(page, `**/notifications/webhooks/${id}`, "GET");
    await chooseFromMenu(page, label, "Edit");
    const dialog = page.getByRole("dialog", { name: "Edit webhook" });
    assert.equal(await dialog.getByLabel("Headers of the call").inputValue(), "X-Team: billing");
    await dialog.getByLabel("Label", { exact: true }).fill("Orders");
    await dialog.getByRole("checkbox").uncheck();
    await rest("PUT", `/notifications/webhooks/${id}`, { description: "For finance" });
    await letGo();
    await dialog.getByRole("button", { name: "Save" }).click();
    await entry(page, "Orders").getByText("Off").waitFor();
    const edited = await rest("GET", `/notifications/webhooks/${id}`);
    assert.equal(edited.description, "For finance", "what somebody else did is not undone");
    assert.equal(edited.jwt_secret, secret, "it stays as it was");

    await chooseFromMenu(page, "Orders", "Delete");
    await page.getByText("not called any more").waitFor();
    await page.getByRole("button", { name: "Delete webhook" }).click();
    await page.getByText("No webhooks yet").waitFor();
    await closePage(page);
  });

  test("an auditor looks, sees no secret and touches nothing", async () => {
    const rest = await scene.server.rest();
    const webhook = { label: "Seen", object_class: "token", external_url: "https://example.com/seen" };
    await rest("POST", "/notifications/webhooks", webhook);
    const page = await openAs(scene.browser, scene.server, scene.server.auditor, "/webhooks");
    await entry(page, "Seen").waitFor();
    for (const name of [/Create webhook/, /Actions for/]) {
      assert.equal(await page.getByRole("button", { name }).count(), 0, String(name));
    }
    await closePage(page);
  });
});
