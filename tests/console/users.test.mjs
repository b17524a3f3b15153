// Who may sign in: invited, given another role, kept out, let in again, forgotten.
// Debian's Chromium against the real program; run.cmake runs this and names the program.
import assert from "node:assert/strict";
import { test } from "node:test";

import {
  assertAccessibleInBoth,
  chooseFromMenu,
  clipboard,
  closePage,
  holdBack,
  newPage,
  notice,
  openAs,
  signIn,
} from "./support/browser.mjs";
import { suite } from "./support/suite.mjs";

const scene = suite();
const { describe, open } = scene;
const entry = (page, email) =>
  page.getByRole("listitem").filter({ has: page.getByText(email, { exact: true }) });

describe("users", () => {
  let page;
  let password;

  test("are invited, with a password that shows once and lets them in", async () => {
    page = await open("/users", { ownContext: true });
    await page.clock.install();
    await entry(page, scene.server.owner.email).getByText("That is you").waitFor();
    await page.getByRole("button", { name: "Invite user" }).click();
    const dialog = page.getByRole("dialog", { name: "Invite user" });
    const submit = dialog.getByRole("button", { name: "Invite user" });
    await submit.click();
    await dialog.getByText("Enter your e-mail address.").waitFor();
    await dialog.getByLabel("E-mail").fill(scene.server.auditor.email);
    await submit.click();
    await dialog.getByText("This e-mail address has a user.").waitFor();
    await assertAccessibleInBoth(page, "inviting, with an error");
    await dialog.getByLabel("E-mail").fill("bob@example.com");
    await dialog.getByRole("radio", { name: /^Member/ }).check();
    const letGo = await holdBack(page, "**/users");
    await submit.click();
    await page.keyboard.press("Escape");
    assert.ok(await dialog.getByRole("button", { name: "Cancel" }).isDisabled(), "nor while it is sent");
    await letGo();
    const done = page.getByRole("dialog", { name: "User invited" });
    await done.getByRole("button", { name: "Copy the password" }).click();
    password = await clipboard(page, (text) => text.length >= 12 && !text.includes(" "));
    await page.mouse.click(4, 4);
    await page.keyboard.press("Escape");
    assert.ok(await done.getByText(password).isVisible(), "it is not lost by a click beside the dialog");
    await page.clock.runFor(31_000);
    await done.getByText("Hidden").waitFor();
    assert.ok(!(await page.content()).includes(password), "it leaves the page after a while");
    await done.getByText("nobody can show it again").waitFor();
    await done.getByRole("button", { name: "Show the value" }).click();
    await done.getByText(password).waitFor();
    await assertAccessibleInBoth(page, "invited");
    await done.getByRole("button", { name: "Done" }).click();
    await done.waitFor({ state: "hidden" });
    assert.ok(!(await page.content()).includes(password), "the password is gone with the dialog");
    await entry(page, "bob@example.com").getByText("Member").waitFor();
    await entry(page, "bob@example.com").getByText("never signed in").waitFor();
    const his = await newPage(scene.browser, scene.server.url);
    await his.goto("/users");
    await signIn(his, { email: "bob@example.com", password });
    await entry(his, "bob@example.com").getByText("That is you").waitFor();
    assert.equal(await his.getByRole("button", { name: /Invite user|Actions for/ }).count(), 0, "members look");
    await closePage(his);
  });

  test("get another role, which shows where they are; the last owner keeps theirs", async () => {
    const his = await openAs(scene.browser, scene.server, { email: "bob@example.com", password }, "/webhooks");
    await his.getByRole("button", { name: "Create webhook" }).waitFor();
    await chooseFromMenu(page, "bob@example.com", "Change role");
    const dialog = page.getByRole("dialog", { name: "Change role" });
    await dialog.getByRole("radio", { name: /^Auditor/ }).check();
    await dialog.getByRole("button", { name: "Save" }).click();
    await entry(page, "bob@example.com").getByText("Auditor").waitFor();
    await his.getByRole("button", { name: "Create webhook" }).waitFor({ state: "detached" });
    await closePage(his);
    await chooseFromMenu(page, scene.server.owner.email, "Change role");
    await dialog.getByRole("radio", { name: /^Member/ }).check();
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.getByText("last active owner").waitFor();
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await dialog.waitFor({ state: "hidden" });
  });

  test("get a new password that shows once, and their old one is good for nothing", async () => {
    const his = await openAs(scene.browser, scene.server, { email: "bob@example.com", password }, "/users");
    await entry(his, "bob@example.com").waitFor();
    await chooseFromMenu(page, "bob@example.com", "New password");
    const asked = page.getByRole("alertdialog", { name: "Give a new password?" });
    await asked.getByText("bob@example.com").waitFor();
    await assertAccessibleInBoth(page, "asking before a new password");
    await asked.getByRole("button", { name: "Give a new password" }).click();
    const done = page.getByRole("dialog", { name: "New password given" });
    await done.getByRole("button", { name: "Copy the password" }).click();
    const given = await clipboard(page, (text) => text.length >= 12 && !text.includes(" ") && text !== password);
    await page.keyboard.press("Escape");
    assert.ok(await done.getByText(given).isVisible(), "it is not lost by a key");
    await assertAccessibleInBoth(page, "a new password");
    await done.getByRole("button", { name: "Done" }).click();
    await done.waitFor({ state: "hidden" });
    assert.ok(!(await page.content()).includes(given), "the password is gone with the dialog");
    await his.getByRole("dialog", { name: "Sign in again" }).waitFor();
    await closePage(his);
    await assert.rejects(scene.server.signIn({ email: "bob@example.com", password }), /401/);
    password = given;
    await scene.server.signIn({ email: "bob@example.com", password });
    await page.getByRole("button", { name: `Actions for ${scene.server.owner.email}` }).click();
    await page.getByRole("menuitem", { name: "Change role" }).waitFor();
    assert.equal(await page.getByRole("menuitem", { name: "New password" }).count(), 0, "one's own one changes oneself");
    await page.keyboard.press("Escape");
  });

  test("are kept out at once, let in again, and forgotten after asking", async () => {
    const his = await openAs(scene.browser, scene.server, { email: "bob@example.com", password }, "/users");
    await entry(his, "bob@example.com").waitFor();
    await chooseFromMenu(page, "bob@example.com", "Deactivate");
    await page.getByRole("button", { name: "Deactivate user" }).click();
    await entry(page, "bob@example.com").getByText("Deactivated").waitFor();
    await his.getByRole("dialog", { name: "Sign in again" }).waitFor();
    await closePage(his);
    await chooseFromMenu(page, "bob@example.com", "Activate");
    await page.getByRole("button", { name: "Activate user" }).click();
    await entry(page, "bob@example.com").getByText("Deactivated").waitFor({ state: "detached" });
    await scene.server.signIn({ email: "bob@example.com", password });
    await chooseFromMenu(page, "bob@example.com", "Delete");
    const dialog = page.getByRole("alertdialog", { name: "Delete this user?" });
    await dialog.getByText("bob@example.com").waitFor();
    await page.waitForFunction(() => document.activeElement?.textContent?.trim() === "Cancel");
    await dialog.getByRole("button", { name: "Delete user" }).click();
    await notice(page, "was deleted and forgotten").waitFor();
    await entry(page, "bob@example.com").waitFor({ state: "detached" });
    await assert.rejects(scene.server.signIn({ email: "bob@example.com", password }), /401/);
    await closePage(page);
  });

  test("are paged and searched by the server, so that none is out of reach", async () => {
    const rest = await scene.server.rest();
    const emails = Array.from({ length: 9 }, (_, index) => `user${index}@example.com`);
    for (const email of emails) await rest("POST", `/accounts/${scene.server.owner.account}/users`, { email, role: "auditor" });
    const page = await open("/users?size=10");
    await page.getByText("1–10 of 11").waitFor();
    assert.equal(await entry(page, "user8@example.com").count(), 0);
    await page.getByRole("button", { name: "Next page" }).click();
    await entry(page, "user8@example.com").waitFor();
    assert.match(page.url(), /page=2/);
    await page.getByLabel("Search e-mail").fill("USER3@");
    await entry(page, "user3@example.com").waitFor();
    await page.getByText("1–1 of 1").waitFor();
    await page.getByLabel("Search e-mail").fill("nobody");
    await page.getByText("No user matches.").waitFor();
    await page.getByRole("button", { name: "Clear the search" }).click();
    await page.getByText("1–10 of 11").waitFor();
    await closePage(page);
  });
});
