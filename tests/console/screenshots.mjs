// Pictures of every page, light and dark, desk, tablet and phone, into a folder: node screenshots.mjs OUT
// (by way of run.cmake, which puts this beside its packages). Names such as desk-dark behind it choose some.
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { anyDialog, chooseFromMenu, chooseItem, launch, newPage, row, signIn } from "./support/browser.mjs";
import { Receiver } from "./support/receiver.mjs";
import { Server } from "./support/server.mjs";

const out = resolve(process.argv[2] ?? "screenshots");
const chosen = process.argv.slice(3);
const views = {
  desk: { viewport: { width: 1440, height: 900 } },
  tablet: { viewport: { width: 900, height: 1100 } },
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true },
};

const labels = [
  ["Billing importer", "custom", "Nightly invoices"],
  ["Zapier: new orders to Slack", "zapier", null],
  ["Warehouse sync", "custom", null],
  ["متجر الاختبار — مفتاح الواجهة", "custom", null],
  ["Reporting dashboard of the finance team in the northern region, read only, for the quarter", "custom", null],
  ["Partner portal", "custom", null],
  ["Zapier: CRM contacts", "zapier", null],
];

async function settle(page) {
  await page.mouse.move(0, 0);
  await page.waitForTimeout(450);
}

async function shootAll(browser, server, name, options) {
  const page = await newPage(browser, server.url, options);
  const shoot = async (what) => {
    await settle(page);
    await page.screenshot({ path: join(out, `${name}-${what}.png`) });
  };
  await page.goto("/tokens");
  await page.getByLabel("E-mail", { exact: true }).waitFor();
  await shoot("sign-in");
  await signIn(page, { email: "ada@example.com", password: "not the password" });
  await page.getByRole("alert").getByText("do not belong together").waitFor();
  await shoot("sign-in-wrong");
  await signIn(page, server.owner);
  await row(page, labels[0][0]).waitFor();
  await shoot("tokens");
  await page.getByRole("button", { name: `Show the value of ${labels[0][0]}` }).click();
  await page.getByRole("button", { name: `Hide the value of ${labels[0][0]}` }).waitFor();
  await page.getByRole("button", { name: `Actions for ${labels[2][0]}` }).click();
  await shoot("tokens-menu");
  await page.keyboard.press("Escape");
  const dialogs = [["Delete", "delete"], ["Rotate", "rotate"], ["Renew", "renew"], ["Disable", "disable"]];
  for (const [item, what] of dialogs) {
    await chooseFromMenu(page, labels[2][0], item);
    await anyDialog(page).waitFor();
    await shoot(what);
    await page.keyboard.press("Escape");
    await anyDialog(page).waitFor({ state: "hidden" });
  }
  await chooseFromMenu(page, labels[0][0], "Edit");
  await anyDialog(page).waitFor();
  await shoot("edit");
  await page.keyboard.press("Escape");
  await anyDialog(page).waitFor({ state: "hidden" });
  await page.getByRole("button", { name: "Create token" }).click();
  await anyDialog(page).waitFor();
  await shoot("create");
  await page.getByRole("button", { name: "Create token" }).last().click();
  await anyDialog(page).getByLabel("Type").press("Enter");
  await shoot("create-errors");
  await page.getByRole("option", { name: /To integrate Zapier/ }).click();
  await anyDialog(page).getByLabel("Label", { exact: true }).fill(`Zapier: ${name}`);
  await page.getByRole("button", { name: "Create token" }).last().click();
  await page.getByText("Token created").waitFor();
  await page.getByText("Active", { exact: true }).last().waitFor();
  await shoot("created-zapier");
  await page.getByRole("button", { name: "Done" }).click();
  await page.goto("/tokens?q=warehouse&status=expired");
  await page.getByText("No token matches.").waitFor();
  await shoot("no-match");
  await page.goto(`/tokens/${server.limited}`);
  await page.getByText("Seen by the billing team").first().waitFor();
  await page.getByText("Created the token").waitFor();
  await shoot("token");
  await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
  await shoot("token-end");
  await page.goto(`/tokens/${server.failing}`);
  await page.getByText("The receiver answered 500.").first().waitFor();
  await shoot("token-failing");
  await page.goto(`/tokens/${server.gone}`);
  await page.getByText("Deleted the token").waitFor();
  await shoot("token-deleted");
  await page.goto(`/tokens/${server.limited}`);
  await page.getByRole("button", { name: "Change permissions" }).click();
  await page.getByRole("checkbox").first().waitFor();
  await shoot("permissions");
  await page.goto("/webhooks");
  await page.getByText("Orders to the warehouse").waitFor();
  await shoot("webhooks");
  await shootDeliveries(page, shoot);
  await page.goto("/webhooks");
  await page.getByRole("button", { name: "Create webhook" }).click();
  await anyDialog(page).waitFor();
  await shoot("webhook-create");
  await page.keyboard.press("Escape");
  await anyDialog(page).waitFor({ state: "hidden" });
  for (const [item, what] of [["Change password", "password"], ["Where you are signed in", "sessions"]]) {
    await page.getByRole("button", { name: "Your account" }).click();
    await chooseItem(page, item);
    await anyDialog(page).waitFor();
    await shoot(what);
    await page.keyboard.press("Escape");
    await anyDialog(page).waitFor({ state: "hidden" });
  }
  await shootActivityAndUsers(page, shoot);
  await page.goto("/general");
  await page.getByLabel("API key", { exact: true }).fill(server.key);
  await page.getByRole("button", { name: "Check", exact: true }).click();
  await page.getByText("This key is let in.").waitFor();
  await shoot("general");
  await page.getByRole("button", { name: "Your account" }).click();
  await shoot("account-menu");
  await page.keyboard.press("Escape");
  await page.context().clearCookies();
  await page.locator('a[href="/tokens"]').first().dispatchEvent("click");
  await page.getByRole("dialog", { name: "Sign in again" }).waitFor();
  await shoot("sign-in-again");
  await page.context().close();
}

async function shootDeliveries(page, shoot) {
  await page.getByRole("link", { name: "Orders to the warehouse" }).click();
  const deliveries = page.getByRole("list", { name: "Deliveries" });
  await deliveries.getByText("Delivered", { exact: true }).first().waitFor();
  await shoot("webhook");
  await deliveries.getByText("Details").first().click();
  await deliveries.getByText("What is sent (POST)").waitFor();
  await deliveries.scrollIntoViewIfNeeded();
  await shoot("webhook-delivery");
  await page.getByRole("button", { name: "Actions" }).click();
  await chooseItem(page, "Test");
  await page.getByRole("button", { name: "Send the test" }).click();
  await page.getByText("It answered 204").waitFor();
  await shoot("webhook-test");
  await page.goto("/deliveries?size=100");
  await page.getByText("The receiver answered 503.").first().waitFor();
  await shoot("deliveries");
  await page.getByRole("button", { name: "Retry all of these" }).click();
  await page.getByText(/^(That is|Those are)/).waitFor();
  await shoot("deliveries-retry");
  await page.goto("/deliveries?q=nothing");
  await page.getByText("No delivery matches.").waitFor();
  await shoot("deliveries-none");
}

async function shootActivityAndUsers(page, shoot) {
  await page.goto("/activity");
  const events = page.getByRole("list", { name: "Activity" });
  await events.getByText("Details").first().waitFor();
  await shoot("activity");
  await events.getByText("Details").first().click();
  await events.getByText("Position in the log").waitFor();
  await shoot("activity-details");
  await page.goto("/users");
  await page.getByText("That is you").waitFor();
  await shoot("users");
  await page.getByRole("button", { name: "Invite user" }).click();
  await anyDialog(page).waitFor();
  await shoot("user-invite");
  await page.keyboard.press("Escape");
  await anyDialog(page).waitFor({ state: "hidden" });
  await chooseFromMenu(page, "auditor@example.com", "New password");
  await anyDialog(page).waitFor();
  await shoot("user-password");
  await page.keyboard.press("Escape");
  await anyDialog(page).waitFor({ state: "hidden" });
  await chooseFromMenu(page, "auditor@example.com", "Delete");
  await anyDialog(page).waitFor();
  await shoot("user-delete");
  await page.keyboard.press("Escape");
  await anyDialog(page).waitFor({ state: "hidden" });
}

// Webhooks, one of them made by a token that may call little; of one the receiver fails.
async function makeWebhooks(server, rest, receiver) {
  const webhook = (label, external_url) => ({ label, object_class: "token", external_url });
  receiver.answer("/crm", 503);
  await rest("POST", "/notifications/webhooks", webhook("Orders to the warehouse", receiver.url("/orders/7f3a")));
  await rest("POST", "/notifications/webhooks", webhook("New tokens to the CRM", receiver.url("/crm")));
  await rest("POST", "/notifications/webhooks", { ...webhook("Paused", "https://example.com/p"), active: false });
  const fields = { name: "Invoices, read only", extension: { name: "custom" }, description: "For the auditors", external_id: "erp-204" };
  const token = await rest("POST", "/auth/tokens", { ...fields, expiration_date: "2031-01-31T23:59:59Z" });
  server.limited = token.id;
  const answer = await fetch(`${server.url}/public/v1/notifications/webhooks`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `ApiKey ${token.token}` },
    body: JSON.stringify(webhook("Seen by the billing team", receiver.url("/billing"))),
  });
  if (!answer.ok) throw new Error(`a token's webhook: ${answer.status}`);
  const modules = (await rest("GET", "/modules")).slice(0, 2).map(({ id }) => ({ object: { id } }));
  await rest("POST", `/auth/tokens/${token.id}/permissions`, modules);
}

// A Zapier token whose connection could not be prepared.
async function makeFailing(rest, receiver) {
  receiver.answer("/zapier", 500);
  const { id } = await rest("POST", "/auth/tokens", { name: "Zapier: invoices", extension: { name: "zapier" } });
  while (!(await rest("GET", `/auth/tokens/${id}`)).provisioning) await pause(50);
  receiver.answer("/zapier", 204);
  return id;
}

// One token in every status that the interface leads to.
async function makeStatuses(rest) {
  const create = (name, fields) => rest("POST", "/auth/tokens", { name, extension: { name: "custom" }, ...fields });
  const soon = new Date(Date.now() + 5 * 24 * 3600 * 1000).toISOString();
  await create("Staging tests", { expiration_date: soon });
  const off = await create("Old mobile app", {});
  await rest("POST", `/auth/tokens/${off.id}/deactivate`);
  const renewed = await create("Inventory service", {});
  await rest("POST", `/auth/tokens/${renewed.id}/renew`);
  const gone = await create("Last year's importer", {});
  await rest("DELETE", `/auth/tokens/${gone.id}`);
  return gone.id;
}

const receiver = await Receiver.make();
const server = await Server.make(receiver.settings());
const browser = await launch();
try {
  await mkdir(out, { recursive: true });
  const wanted = Object.entries(views)
    .flatMap(([view, options]) => ["light", "dark"].map((colorScheme) => [`${view}-${colorScheme}`, { ...options, colorScheme }]))
    .filter(([name]) => chosen.length === 0 || chosen.includes(name));
  for (const [name, options] of wanted) {
    const empty = await newPage(browser, server.url, options);
    await empty.goto("/tokens");
    await signIn(empty, server.owner);
    await empty.getByText("No tokens yet").waitFor();
    await settle(empty);
    await empty.screenshot({ path: join(out, `${name}-empty.png`) });
    await empty.context().close();
  }

  const rest = await server.rest();
  await makeWebhooks(server, rest, receiver);
  server.gone = await makeStatuses(rest);
  server.failing = await makeFailing(rest, receiver);
  for (const [label, type, description] of [...labels].reverse()) {
    const token = await rest("POST", "/auth/tokens", { name: label, extension: { name: type }, description });
    server.key = token.token ?? server.key;
  }
  for (const [name, options] of wanted) await shootAll(browser, server, name, options);
} finally {
  await browser.close();
  await server.remove();
  await receiver.close();
}
console.log(`The pictures are in ${out}.`);
