// Making tokens: what one presses meanwhile, the same one twice, what fails half-way, dates typed in part.
// Debian's Chromium against the real program; run.cmake runs this and names the program.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import {
  anyDialog,
  assertAccessibleInBoth,
  chooseFromMenu,
  closePage,
  createToken,
  holdBack,
  leaveSummary,
  notice,
  row,
} from "./support/browser.mjs";
import { suite } from "./support/suite.mjs";

let rest;

const scene = suite(async ({ server }) => {
  rest = await server.rest();
});

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
    page = await scene.open("/tokens?size=10");
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
    await summary.waitFor();
    const [{ id }] = await named("Gone at once");
    await rest("DELETE", `/auth/tokens/${id}`);
    await summary.getByText("The token was deleted meanwhile: its API key is refused.").waitFor();
    await leaveSummary(page);
    await row(page, "Gone at once").waitFor({ state: "detached" });
  });

  test("is copied also where the browser has but the older way, which plain http leaves", async () => {
    const plain = await scene.open("/general");
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
