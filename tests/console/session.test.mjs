// Signing in and out, sessions that end, connections that are lost.
// Debian's Chromium against the real program; run.cmake runs this and names the program.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import {
  closePage,
  createToken,
  launch,
  leaveSummary,
  newPage,
  openAs,
  row,
  signIn,
} from "./support/browser.mjs";
import { Server } from "./support/server.mjs";

let server;
let browser;

before(async () => {
  [server, browser] = await Promise.all([Server.make(), launch()]);
});

after(async () => {
  await browser?.close();
  await server?.remove();
});

const open = (path, options) => openAs(browser, server, server.owner, path, options);

describe("signing in", () => {
  test("a wrong password is refused in words, the right one leads to the tokens", async () => {
    const page = await newPage(browser, server.url);
    await page.goto("/");
    await page.waitForURL("**/sign-in");
    assert.equal(await page.title(), "Sign in · Mintmark");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("Enter your e-mail address.").waitFor();
    await page.getByText("Enter your password.").waitFor();
    await signIn(page, { email: server.owner.email, password: "wrong" });
    await page.getByRole("alert").getByText("do not belong together").waitFor();
    await signIn(page, server.owner);
    await page.waitForURL("**/tokens");
    await page.getByText("No tokens yet").waitFor();
    await closePage(page);
  });

  test("a reload keeps the session and can write again; signing out ends it", async () => {
    const page = await open("/general");
    await page.reload();
    await page.getByRole("heading", { name: "General" }).waitFor();
    assert.deepEqual(await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]), [0, 0, ""]);
    await page.getByRole("button", { name: "Your account" }).click();
    await page.getByText(server.owner.email).waitFor();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await page.waitForURL("**/sign-in?next=/general");
    assert.deepEqual(await page.context().cookies(), []);
    await closePage(page);
  });

  test("an ended session leads to signing in and back to where one was", async () => {
    const page = await open("/tokens?size=10");
    await page.getByText("No tokens yet").waitFor();
    await page.context().clearCookies();
    const summary = await createToken(page, "Never made");
    await page.getByText("Your session has ended.").waitFor();
    assert.equal(await summary.count(), 0);
    await signIn(page, server.owner);
    await page.waitForURL("**/tokens?size=10");
    await page.getByText("No tokens yet").waitFor();
    await closePage(page);
  });

  test("nothing leads elsewhere after signing in", async () => {
    const page = await newPage(browser, server.url);
    await page.goto("/sign-in?next=//example.com/");
    await signIn(page, server.owner);
    await page.waitForURL("**/tokens");
    await closePage(page);
  });
});

describe("a lost connection", () => {
  test("is said, what one typed stays, and it heals by itself", async () => {
    const page = await open();
    await page.getByText("No tokens yet").waitFor();
    await page.getByRole("button", { name: "Create token" }).first().click();
    const dialog = page.getByRole("dialog", { name: "Create token" });
    await dialog.getByLabel("Label", { exact: true }).fill("Made once");
    await server.stop();
    await dialog.getByRole("button", { name: "Create token" }).click();
    await dialog.getByText("Mintmark did not answer.").waitFor();
    await page.getByText("Mintmark cannot be reached.").waitFor();
    assert.equal(await dialog.getByLabel("Label", { exact: true }).inputValue(), "Made once");
    await server.start();
    await page.getByText("Mintmark cannot be reached.").waitFor({ state: "detached" });
    await dialog.getByRole("button", { name: "Create token" }).click();
    await leaveSummary(page);
    assert.equal(await row(page, "Made once").count(), 1);
    await closePage(page);
  });
});
