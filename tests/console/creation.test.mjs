// Making tokens: what one presses meanwhile, the same one twice, what fails half-way, dates typed in part.
// Debian's Chromium against the real program; run.cmake runs this and names the program.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import {
  anyDialog,
  assertAccessibleInBoth,
  chooseFromMenu,
  clipboard,
  closePage,
  createToken,
  holdBack,
  leaveSummary,
  notice,
  row,
} from "./support/browser.mjs";
import { suite } from "./support/suite.mjs";

const DAY_MS = 24 * 3600 * 1000;

let rest;

const scene = suite(async ({ server }) => {
  rest = await server.rest();
});
const { describe, open } = scene;

describe("a token", () => {
  let page;
  const dialog = () => page.getByRole("dialog", { name: "Create token" });
  const chooseModule = async () => {
    await dialog().getByRole("radio", { name: /^Only the modules/ }).check();
    await dialog().getByRole("checkbox", { name: /MD-0001$/ }).check();
  };
  const named = (label) => rest("GET", `/auth/tokens?name=${encodeURIComponent(label)}`);
  const remove = async (label) => {
    await chooseFromMenu(page, label, "Delete");
    await page.getByRole("button", { name: "Delete token" }).click();
    await anyDialog(page).waitFor({ state: "hidden" });
    await row(page, label).waitFor({ state: "detached" });
  };

  before(async () => {
    page = await open("/tokens?size=10");
    await page.getByText("No tokens yet").waitFor();
  });
  after(() => closePage(page));

  test("that is on its way may call no more than was chosen, whatever one presses meanwhile", async () => {
    await page.getByRole("button", { name: "Create token" }).first().click();
    await dialog().getByLabel("Label", { exact: true }).fill("Not to be left");
    await chooseModule();
    const letGo = await holdBack(page, "**/public/v1/auth/tokens");
    await dialog().getByRole("button", { name: "Create token" }).click();
    await page.keyboard.press("Escape");
    await page.mouse.click(4, 4);
    for (const name of ["Cancel", "Close"]) assert.ok(await dialog().getByRole("button", { name }).isDisabled(), name);
    await letGo();
    await page.getByRole("dialog", { name: "Token created" }).waitFor();
    await leaveSummary(page);
    const [{ restricted }] = await named("Not to be left");
    assert.equal(restricted, true);
    await remove("Not to be left");
  });

  test("that could not be limited is limited by trying again, or deleted; nothing else closes it", async () => {
    for (const [label, goOn] of [["Limited late", "Try again"], ["Thought better of", "Delete the token"]]) {
      await page.route("**/permissions", (route) => route.fulfill({ status: 500, body: "{}" }));
      await page.getByRole("button", { name: "Create token" }).first().click();
      await dialog().getByLabel("Label", { exact: true }).fill(label);
      await chooseModule();
      await dialog().getByRole("button", { name: "Create token" }).click();
      await dialog().getByText("may call every module until this has succeeded").waitFor();
      assert.ok(await dialog().getByLabel("Label", { exact: true }).isDisabled());
      if (goOn === "Try again") await assertAccessibleInBoth(page, "a token that could not be limited");
      await page.keyboard.press("Escape");
      await page.unrouteAll({ behavior: "wait" });
      await dialog().getByRole("button", { name: goOn }).click();
      if (goOn === "Try again") await leaveSummary(page);
      await anyDialog(page).waitFor({ state: "hidden" });
    }
    await row(page, "Thought better of").waitFor({ state: "detached" });
    assert.equal((await named("Limited late"))[0].restricted, true);
    await remove("Limited late");
  });

  test("that could not be limited and was deleted by somebody else lets its dialog close", async () => {
    for (const goOn of ["Try again", "Delete the token"]) {
      await page.route("**/permissions", (route) => route.fulfill({ status: 500, body: "{}" }));
      await page.getByRole("button", { name: "Create token" }).first().click();
      await dialog().getByLabel("Label", { exact: true }).fill("Gone meanwhile");
      await chooseModule();
      await dialog().getByRole("button", { name: "Create token" }).click();
      await dialog().getByText("may call every module until this has succeeded").waitFor();
      await page.unrouteAll({ behavior: "wait" });
      for (const { id } of await named("Gone meanwhile")) await rest("DELETE", `/auth/tokens/${id}`);
      await dialog().getByRole("button", { name: goOn }).click();
      if (goOn === "Try again") {
        await dialog().getByText("This no longer exists.").waitFor();
        await dialog().getByRole("button", { name: "Close" }).last().click();
      } else {
        await notice(page, "It was already deleted.").waitFor();
      }
      await anyDialog(page).waitFor({ state: "hidden" });
    }
  });

  test("like one before is another, also where that one may call more or was deleted", async () => {
    for (const fill of [async () => {}, chooseModule]) {
      await createToken(page, "Twice", fill);
      await leaveSummary(page);
    }
    const twice = await named("Twice");
    assert.deepEqual(twice.map(({ restricted }) => restricted).sort(), [false, true]);
    for (const { id } of twice) await rest("DELETE", `/auth/tokens/${id}`);
    await row(page, "Twice").first().waitFor({ state: "detached" });
    await createToken(page, "Twice");
    await leaveSummary(page);
    await remove("Twice");
  });

  test("that somebody deletes under its summary is said to be deleted", async () => {
    const summary = await createToken(page, "Gone at once");
    const [{ id }] = await named("Gone at once");
    await rest("DELETE", `/auth/tokens/${id}`);
    await summary.getByText("The token was deleted meanwhile: its API key is refused.").waitFor();
    await leaveSummary(page);
    await row(page, "Gone at once").waitFor({ state: "detached" });
  });

  test("shows its value for half a minute, and again for the eye; it is copied though it is hidden", async () => {
    const watched = await open("/tokens?size=10", { ownContext: true });
    await watched.clock.install();
    const summary = await createToken(watched, "Hidden again");
    const value = summary.getByRole("group", { name: "API key" });
    await value.getByText(/^SU-/).waitFor();
    const key = (await value.locator("code").textContent()).trim();
    const { id } = (await named("Hidden again"))[0];
    assert.equal(key.split(":")[0], id);
    const place = await value.boundingBox();
    await watched.clock.runFor(31_000);
    await value.getByText("Hidden").waitFor();
    assert.ok(!(await watched.content()).includes(key.split(":")[1]));
    assert.deepEqual(await value.boundingBox(), place, "nothing moves");
    await summary.getByRole("button", { name: "Copy the API key" }).click();
    await clipboard(watched, (text) => text === key);
    assert.ok(!(await watched.content()).includes(key.split(":")[1]));
    await summary.getByRole("button", { name: "Show the value" }).click();
    await value.getByText(key).waitFor();
    await summary.getByRole("button", { name: "Hide the value" }).click();
    await value.getByText("Hidden").waitFor();
    await leaveSummary(watched);
    await closePage(watched);
    const { length } = await rest("GET", `/events?object.id=${id}&type=TokenRevealed`);
    assert.equal(length, 2, "copying and showing are on record");
    await remove("Hidden again");
  });

  test("is copied also where the browser has but the older way, which plain http leaves", async () => {
    const plain = await open("/general");
    await plain.addInitScript(() => Object.defineProperty(navigator, "clipboard", { value: undefined }));
    await plain.goto("/tokens?size=10");
    const summary = await createToken(plain, "Copied the older way");
    await summary.getByRole("button", { name: "Copy the API key" }).click();
    await notice(plain, "Copied.").waitFor();
    assert.ok(await summary.evaluate((element) => element.contains(document.activeElement)), "the focus stays there");
    await leaveSummary(plain);
    const [{ id }] = await named("Copied the older way");
    await plain.getByLabel("Search label").press("Control+V");
    await plain.waitForURL(new RegExp(`q=${id}`));
    await closePage(plain);
    await remove("Copied the older way");
  });

  test("with a date typed in part is not made, nor is its value replaced", async () => {
    await page.getByRole("button", { name: "Create token" }).first().click();
    await dialog().getByLabel("Label", { exact: true }).fill("To expire");
    const inPart = async (field) => {
      await field.focus();
      await page.keyboard.type("0101");
    };
    const expires = dialog().getByLabel("Expires");
    await inPart(expires);
    await page.keyboard.press("Enter");
    await dialog().getByText("Enter day, month and year, or nothing.").waitFor();
    assert.equal(await expires.getAttribute("aria-invalid"), "true");
    assert.deepEqual(await named("To expire"), []);
    await expires.fill("2031-12-31");
    await dialog().getByRole("button", { name: "Create token" }).click();
    await leaveSummary(page);
    assert.match((await named("To expire"))[0].expiration_date, /^(2031-12-31|2032-01-01)T/);
    await chooseFromMenu(page, "To expire", "Rotate");
    await inPart(anyDialog(page).getByLabel("Expires"));
    await page.getByRole("button", { name: "Rotate token" }).click();
    await anyDialog(page).getByText("Enter day, month and year, or nothing.").waitFor();
    await page.keyboard.press("Escape");
    await anyDialog(page).waitFor({ state: "hidden" });
    await remove("To expire");
  });
});

describe("a Zapier token", () => {
  test("created to expire, disabled, rotated: what may be done with its handle is said as it is", async () => {
    const page = await open();
    const day = new Date(Date.now() + 30 * DAY_MS).toISOString().slice(0, 10);
    const summary = await createToken(page, "Zap to expire", async (dialog) => {
      await dialog.getByLabel("Type").press("Enter");
      await page.getByRole("option", { name: /To integrate Zapier/ }).click();
      await dialog.getByLabel("Expires").fill(day);
    });
    await summary.getByText("Zapier can use the handle now").waitFor();
    await leaveSummary(page);
    await row(page, "Zap to expire").getByText(/^Expires/).waitFor();
    const [{ id, expiration_date: date }] = await rest("GET", "/auth/tokens?name=Zap%20to%20expire");
    assert.ok(Math.abs(Date.parse(date) - Date.parse(`${day}T23:59:59Z`)) <= DAY_MS / 2);
    await rest("POST", `/auth/tokens/${id}/deactivate`);
    await row(page, "Zap to expire").getByText("Disabled").waitFor();
    await chooseFromMenu(page, "Zap to expire", "Rotate");
    await page.getByText("It gets a new handle.").waitFor();
    await page.getByRole("button", { name: "Rotate token" }).click();
    const rotated = page.getByRole("dialog", { name: "Token rotated" });
    await rotated.getByText("Zapier is refused until you enable it").waitFor();
    await rest("DELETE", `/auth/tokens/${id}`);
    await rotated.getByText("The token was deleted meanwhile").waitFor();
    await leaveSummary(page);
    await closePage(page);
  });
});
