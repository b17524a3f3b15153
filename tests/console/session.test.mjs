// Signing in and out, sessions that end, connections that are lost.
// Debian's Chromium against the real program; run.cmake runs this and names the program.
import assert from "node:assert/strict";
import { test } from "node:test";

import {
  assertAccessible,
  assertAccessibleInBoth,
  chooseFromMenu,
  chooseItem,
  closePage,
  createToken,
  follow,
  leaveSummary,
  newPage,
  notice,
  openAs,
  row,
  signIn,
} from "./support/browser.mjs";
import { Line } from "./support/line.mjs";
import { suite } from "./support/suite.mjs";

const scene = suite(undefined, { ownSessions: true });
const { describe, open } = scene;

describe("signing in", () => {
  test("a wrong password is refused in words, the right one leads to the tokens", async () => {
    const page = await newPage(scene.browser, scene.server.url);
    await page.goto("/");
    await page.waitForURL("**/sign-in");
    assert.equal(await page.title(), "Sign in · Mintmark");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("Enter your e-mail address.").waitFor();
    await page.getByText("Enter your password.").waitFor();
    await signIn(page, { email: scene.server.owner.email, password: "wrong" });
    await page.getByRole("alert").getByText("do not belong together").waitFor();
    await signIn(page, scene.server.owner);
    await page.waitForURL("**/tokens");
    await page.getByText("No tokens yet").waitFor();
    await assertAccessibleInBoth(page, "no tokens");
    await closePage(page);
  });

  test("a reload keeps the session and can write again; signing out ends it", async () => {
    const page = await open("/general");
    await page.route("**/auth/context", (route) => route.fulfill({ status: 503, body: "busy" }));
    await page.reload();
    await page.getByText("This page keeps trying until it works.").waitFor();
    await page.unrouteAll({ behavior: "wait" });
    await page.getByRole("heading", { name: "General" }).waitFor();
    assert.deepEqual(await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]), [0, 0, ""]);
    await page.getByRole("button", { name: "Your account" }).click();
    await page.getByText(scene.server.owner.email).waitFor();
    await chooseItem(page, "Sign out");
    await page.waitForURL("**/sign-in?next=/general");
    assert.deepEqual(await page.context().cookies(), []);
    await closePage(page);
  });

  test("an ended session asks for the password on the spot; what one typed and did goes on", async () => {
    const page = await open("/tokens?size=10");
    await page.getByText("No tokens yet").waitFor();
    await page.getByRole("button", { name: "Create token" }).first().click();
    const dialog = page.getByRole("dialog", { name: "Create token" });
    await dialog.getByLabel("Label", { exact: true }).fill("Typed before");
    await page.context().clearCookies();
    // The console may have noticed already, and asks.
    await dialog.getByRole("button", { name: "Create token" }).dispatchEvent("click");
    const again = page.getByRole("dialog", { name: "Sign in again" });
    await again.getByText("Your session has ended.").waitFor();
    await dialog.getByText("Your session has ended.").waitFor();
    await again.getByText(scene.server.owner.email).waitFor();
    await assertAccessibleInBoth(page, "signing in again");
    await again.getByLabel("Password").fill("wrong");
    await again.getByRole("button", { name: "Sign in", exact: true }).click();
    await again.getByText("do not belong together").waitFor();
    await again.getByLabel("Password").fill(scene.server.owner.password);
    await again.getByRole("button", { name: "Sign in", exact: true }).click();
    await again.waitFor({ state: "hidden" });
    assert.equal(await dialog.getByLabel("Label", { exact: true }).inputValue(), "Typed before");
    await dialog.getByText("Your session has ended.").waitFor({ state: "detached" });
    await dialog.getByRole("button", { name: "Create token" }).click();
    await leaveSummary(page);
    await row(page, "Typed before").waitFor();
    await chooseFromMenu(page, "Typed before", "Delete");
    await page.getByRole("button", { name: "Delete token" }).click();
    await page.getByText("No tokens yet").waitFor();
    await closePage(page);
  });

  test("an ended session can be given up for another person's", async () => {
    const page = await open("/general");
    await page.getByRole("heading", { name: "General" }).waitFor();
    await page.context().clearCookies();
    await page.getByRole("link", { name: "Tokens" }).dispatchEvent("click");
    const again = page.getByRole("dialog", { name: "Sign in again" });
    await again.waitFor();
    await page.locator('a[href="/webhooks"]').first().dispatchEvent("click");
    assert.doesNotMatch(await page.title(), /^Webhooks/, "one stays where one is");
    await again.getByRole("button", { name: "Sign in as somebody else" }).click();
    await page.waitForURL(/\/sign-in/);
    await signIn(page, scene.server.owner);
    await page.getByRole("button", { name: "Your account" }).waitFor();
    await closePage(page);
  });

  test("nothing leads elsewhere after signing in", async () => {
    const page = await newPage(scene.browser, scene.server.url);
    await page.goto("/sign-in?next=//example.com/");
    await signIn(page, scene.server.owner);
    await page.waitForURL("**/tokens");
    await closePage(page);
  });
});

describe("two pages of one browser", () => {
  const remove = async (page, label) => {
    await chooseFromMenu(page, label, "Delete");
    await page.getByRole("button", { name: "Delete token" }).click();
    await page.getByText("No tokens yet").waitFor();
  };

  test("a session that took the other's place writes on; somebody else's does not", async () => {
    const page = await open("/tokens?size=10");
    await page.getByText("No tokens yet").waitFor();
    // As signing in on another page does.
    const become = async (user) => page.context().addCookies([(await scene.server.signIn(user)).cookie]);
    await become(scene.server.owner);
    await createToken(page, "Of the new session");
    await leaveSummary(page);
    await row(page, "Of the new session").waitFor();
    await become(scene.server.auditor);
    await chooseFromMenu(page, "Of the new session", "Delete");
    await page.getByRole("button", { name: "Delete token" }).click();
    await page.waitForURL(/\/sign-in/);
    await become(scene.server.owner);
    await page.goto("/tokens?size=10");
    await remove(page, "Of the new session");
    await closePage(page);
  });

  test("a session that ends on any page is taken up there, and takes every secret away meanwhile", async () => {
    const page = await open("/tokens?size=10");
    await page.getByText("No tokens yet").waitFor();
    const again = page.getByRole("dialog", { name: "Sign in again" });
    // The console looks for its session when it comes into view.
    const end = async () => {
      await page.context().clearCookies();
      await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
      await again.waitFor();
    };
    const takeUp = async () => {
      await again.getByLabel("Password").fill(scene.server.owner.password);
      await again.getByRole("button", { name: "Sign in", exact: true }).click();
      await again.waitFor({ state: "hidden" });
    };
    const summary = await createToken(page, "Shown until then");
    const key = (await summary.getByRole("group", { name: "API key" }).textContent()).trim();
    assert.match(key, /^SU-.*:[0-9a-f]{40}$/);
    await end();
    assert.ok(!(await page.content()).includes(key.split(":")[1]));
    await takeUp();
    await leaveSummary(page);
    await follow(page, "Deliveries");
    await page.getByText("Nothing is left to do").waitFor();
    await assertAccessibleInBoth(page, "no deliveries");
    for (const link of ["Webhooks", "Deliveries", "Activity", "Users", "General"]) {
      await follow(page, link);
      await end();
      await takeUp();
      assert.ok(page.url().endsWith(`/${link.toLowerCase()}`));
    }
    await follow(page, "Tokens");
    await remove(page, "Shown until then");
    await closePage(page);
  });
});

describe("one's own account", () => {
  const choose = async (page, item) => {
    await page.getByRole("button", { name: "Your account" }).click();
    await chooseItem(page, item);
  };

  test("sessions elsewhere are listed and ended", async () => {
    const [here, elsewhere] = [await open(), await open()];
    await here.getByText("No tokens yet").waitFor();
    await elsewhere.getByText("No tokens yet").waitFor();
    await choose(here, "Where you are signed in");
    const dialog = here.getByRole("dialog", { name: "Where you are signed in" });
    await dialog.getByText("This browser").waitFor();
    await assertAccessible(here, "one's sessions");
    const ends = dialog.getByRole("button", { name: /^End the session/ });
    for (let left = await ends.count(); left > 0; left -= 1) {
      await ends.first().click();
      await ends.nth(left - 1).waitFor({ state: "detached" });
    }
    await elsewhere.getByRole("dialog", { name: "Sign in again" }).waitFor();
    await Promise.all([closePage(here), closePage(elsewhere)]);
  });

  test("the password is changed, and the old one is good for nothing", async () => {
    const user = await scene.server.inviteMember("carl@example.com");
    const page = await openAs(scene.browser, scene.server, user);
    await page.getByText("No tokens yet").waitFor();
    await choose(page, "Change password");
    const dialog = page.getByRole("dialog", { name: "Change password" });
    const submit = dialog.getByRole("button", { name: "Change password" });
    await submit.click();
    await dialog.getByText("Enter your present password.").waitFor();
    await assertAccessibleInBoth(page, "changing the password, with errors");
    await dialog.getByLabel("Present password").fill("not the one");
    await dialog.getByLabel("New password", { exact: true }).fill("correct horse battery");
    await dialog.getByLabel("New password again").fill("correct horse");
    await submit.click();
    await dialog.getByText("This is not the same").waitFor();
    await dialog.getByLabel("New password again").fill("correct horse battery");
    await submit.click();
    await dialog.getByText("This is not your password.").waitFor();
    await dialog.getByLabel("Present password").fill(user.password);
    await submit.click();
    await notice(page, "Your password was changed.").waitFor();
    await dialog.waitFor({ state: "hidden" });
    await assert.rejects(scene.server.signIn(user), /401/);
    await scene.server.signIn({ ...user, password: "correct horse battery" });
    await closePage(page);
  });
});

describe("a lost connection", () => {
  test("is said, what one typed stays, and it heals by itself", async () => {
    const page = await open("/activity?size=50", { viewport: { width: 1366, height: 500 } });
    const heading = page.getByRole("heading", { name: "Activity" });
    await page.getByRole("list", { name: "Activity" }).getByRole("listitem").first().waitFor();
    await page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight));
    const place = await heading.boundingBox();
    await scene.server.stop();
    const banner = page.locator(".connection-banner");
    await banner.getByText("Mintmark cannot be reached.").waitFor();
    assert.deepEqual(await heading.boundingBox(), place, "nothing jumps");
    const { y } = await banner.boundingBox();
    assert.ok(y >= 0 && y < 500, "it is seen, however far one has scrolled");
    await assertAccessibleInBoth(page, "a lost connection");
    await scene.server.start();
    await banner.waitFor({ state: "detached" });
    await follow(page, "Tokens");
    await page.getByText("No tokens yet").waitFor();
    await page.getByRole("button", { name: "Create token" }).first().click();
    const dialog = page.getByRole("dialog", { name: "Create token" });
    await dialog.getByLabel("Label", { exact: true }).fill("Made once");
    await scene.server.stop();
    await dialog.getByRole("button", { name: "Create token" }).click();
    await dialog.getByText("Mintmark did not answer.").waitFor();
    await page.getByText("Mintmark cannot be reached.").waitFor();
    assert.equal(await dialog.getByLabel("Label", { exact: true }).inputValue(), "Made once");
    await scene.server.start();
    await page.getByText("Mintmark cannot be reached.").waitFor({ state: "detached" });
    await dialog.getByRole("button", { name: "Create token" }).click();
    await leaveSummary(page);
    assert.equal(await row(page, "Made once").count(), 1);
    await closePage(page);
  });

  test("that only falls silent is noticed too, and what happens afterwards shows", async () => {
    const line = await Line.to(scene.server.port);
    const page = await newPage(scene.browser, line.url);
    await page.context().addCookies([(await scene.server.signIn(scene.server.owner)).cookie]);
    await page.clock.install();
    const streaming = page.waitForResponse(/events.stream/);
    await page.goto("/tokens");
    await row(page, "Made once").waitFor();
    await streaming;
    line.cut();
    await page.clock.fastForward(40_000);
    await page.clock.fastForward(6_000);
    const banner = page.locator(".connection-banner");
    await banner.waitFor();
    const rest = await scene.server.rest();
    await rest("POST", "/auth/tokens", { name: "Meanwhile", extension: { name: "custom" } });
    line.mend();
    await page.clock.fastForward(2_000);
    await banner.waitFor({ state: "detached" });
    await row(page, "Meanwhile").waitFor();
    await rest("POST", "/auth/tokens", { name: "Afterwards", extension: { name: "custom" } });
    await row(page, "Afterwards").waitFor();
    await closePage(page);
    await line.close();
  });
});
