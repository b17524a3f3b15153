// Pictures of every page, light and dark, desk and phone, into a folder: node screenshots.mjs OUT
// (by way of run.cmake, which puts this beside its packages).
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";

import { chooseFromMenu, launch, newPage, row, signIn } from "./support/browser.mjs";
import { Server } from "./support/server.mjs";

const out = resolve(process.argv[2] ?? "screenshots");
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
  await chooseFromMenu(page, labels[2][0], "Delete");
  await page.getByRole("dialog").waitFor();
  await shoot("delete");
  await page.keyboard.press("Escape");
  await chooseFromMenu(page, labels[0][0], "Edit");
  await page.getByRole("dialog").waitFor();
  await shoot("edit");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  await page.getByRole("button", { name: "Create token" }).click();
  await page.getByRole("dialog").waitFor();
  await shoot("create");
  await page.getByRole("button", { name: "Create token" }).last().click();
  await page.getByLabel("Type").press("Enter");
  await shoot("create-errors");
  await page.getByRole("option", { name: /^Zapier/ }).click();
  await page.getByLabel("Label", { exact: true }).fill(`Zapier: ${name}`);
  await page.getByRole("button", { name: "Create token" }).last().click();
  await page.getByText("Token created").waitFor();
  await page.getByText("Active", { exact: true }).last().waitFor();
  await shoot("created-zapier");
  await page.getByRole("button", { name: "Done" }).click();
  await page.goto("/general");
  await page.getByLabel("API key").fill(server.key);
  await page.getByRole("button", { name: "Check", exact: true }).click();
  await page.getByText("This key is let in.").waitFor();
  await shoot("general");
  await page.getByRole("button", { name: "Your account" }).click();
  await shoot("account-menu");
  await page.context().close();
}

const server = await Server.make();
const browser = await launch();
try {
  await mkdir(out, { recursive: true });
  const empty = await newPage(browser, server.url, views.desk);
  await empty.goto("/tokens");
  await signIn(empty, server.owner);
  await empty.getByText("No tokens yet").waitFor();
  await settle(empty);
  await empty.screenshot({ path: join(out, "desk-light-empty.png") });
  await empty.context().close();

  const rest = await server.rest();
  for (const [label, type, description] of [...labels].reverse()) {
    const token = await rest("POST", "/auth/tokens", { name: label, extension: { name: type }, description });
    server.key = token.token ?? server.key;
  }
  for (const [view, options] of Object.entries(views)) {
    for (const colorScheme of ["light", "dark"]) {
      await shootAll(browser, server, `${view}-${colorScheme}`, { ...options, colorScheme });
    }
  }
} finally {
  await browser.close();
  await server.remove();
}
console.log(`The pictures are in ${out}.`);
