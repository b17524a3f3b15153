// What shows while a page loads and where it stands afterwards; windows narrow and wide; where the keyboard is.
// Debian's Chromium against the real program; run.cmake runs this and names the program.
import assert from "node:assert/strict";
import { test } from "node:test";

import {
  anyDialog,
  chooseItem,
  closePage,
  cutOff,
  holdBack,
  newPage,
  overhang,
  row,
  unseenFocus,
} from "./support/browser.mjs";
import { suite } from "./support/suite.mjs";

const LONG = "Reporting dashboard of the finance team in the northern region, read only, for the quarter";

let token;
let hook;

const scene = suite(
  async ({ server, receiver }) => {
    const rest = await server.rest();
    receiver.answer("/flaky", 503);
    hook = await rest("POST", "/notifications/webhooks", {
      label: LONG,
      object_class: "token",
      external_url: receiver.url("/flaky"),
    });
    token = await rest("POST", "/auth/tokens", { name: LONG, extension: { name: "custom" } });
    await rest("POST", `/auth/tokens/${token.id}/permissions`, { object: { id: "MD-0001" } });
  },
  { receives: true },
);
const { describe, open } = scene;

// Each page by its link, with what it loads and what shows once that is there.
const lists = [
  ["Tokens", "**/public/v1/auth/tokens?*", "tbody[role=rowgroup] tr"],
  ["Webhooks", "**/public/v1/notifications/webhooks?*", ".webhook"],
  ["Deliveries", "**/public/v1/jobs?*", ".entry"],
  ["Activity", "**/public/v1/events?*", ".entry"],
  ["Users", "**/public/v1/accounts/*/users?*", ".entry"],
];
const things = () => [
  [`/tokens/${token.id}`, `**/public/v1/auth/tokens/${token.id}`, ".facts"],
  [`/webhooks/${hook.id}`, `**/public/v1/notifications/webhooks/${hook.id}`, ".facts"],
];

describe("a page that loads", () => {
  // Where all stands that is there before and after: the heading, what is at the top, the panel and what heads it.
  const there = "h1, .page-head, .filters, .filters > *, .page > section:first-of-type, .tokens thead th";
  const places = (page) =>
    page.locator(there).evaluateAll((elements) =>
      elements.map((element) => {
        const { x, y, width } = element.getBoundingClientRect();
        // Beside a heading a menu comes, which moves nothing.
        return [element.className || element.tagName, Math.round(x), Math.round(y), element.tagName === "H1" || Math.round(width)];
      }),
    );

  for (const [size, viewport] of Object.entries({ desk: { width: 1366, height: 860 }, phone: { width: 390, height: 844 } })) {
    test(`shows bones in the place of what is to come, and nothing moves when it comes, on a ${size}`, async () => {
      const page = await open("/general", { viewport });
      const loads = async (go, address, content) => {
        const letGo = await holdBack(page, address, "GET");
        await go();
        await page.locator("main .bone").first().waitFor();
        await page.getByRole("status").filter({ hasText: /^Loading/ }).first().waitFor();
        const before = await places(page);
        assert.ok(before.length >= 3, address);
        assert.equal(await page.locator(`main ${content}`).count(), 0, address);
        await letGo();
        await page.locator(`main ${content}`).first().waitFor();
        await page.locator("main .bone").first().waitFor({ state: "detached" });
        assert.deepEqual(await places(page), before, address);
      };
      for (const [link, address, content] of lists) {
        const go = async () => {
          if (size === "phone") await page.getByRole("button", { name: "Open navigation" }).click();
          await page.getByRole("navigation").getByRole("link", { name: link }).click();
        };
        await loads(go, address, content);
      }
      for (const [path, address, content] of things()) await loads(() => page.goto(path), address, content);
      await closePage(page);
    });
  }
});

describe("nothing is cut off", () => {
  for (const [what, viewport] of [
    ["in a window of 320 pixels", { width: 320, height: 640 }],
    ["in a very wide window", { width: 2560, height: 1440 }],
  ]) {
    test(what, async () => {
      const page = await open("/general", { viewport });
      const check = async (where) => {
        assert.ok((await overhang(page)) <= 0, `${where} scrolls sideways`);
        assert.deepEqual(await cutOff(page), [], where);
      };
      await page.getByRole("heading", { name: "General" }).waitFor();
      await check("general");
      for (const [path, , content] of [...lists.map(([link, ...rest]) => [`/${link.toLowerCase()}`, ...rest]), ...things()]) {
        await page.goto(path);
        await page.locator(`main ${content}`).first().waitFor();
        await check(path);
      }
      await page.goto("/tokens");
      await row(page, LONG).getByRole("button", { name: "Show the value" }).click();
      await row(page, LONG).getByRole("button", { name: "Hide the value" }).waitFor();
      await check("a value");
      await row(page, LONG).getByRole("button", { name: "Actions for" }).click();
      await chooseItem(page, "Rotate");
      await anyDialog(page).getByRole("button", { name: "Rotate token" }).waitFor();
      await check("rotating");
      await page.keyboard.press("Escape");
      await anyDialog(page).waitFor({ state: "hidden" });
      await page.getByRole("button", { name: "Create token" }).click();
      await anyDialog(page).getByRole("button", { name: "Create token" }).waitFor();
      await check("creating");
      await closePage(page);
    });
  }
});

describe("what the keyboard is at", () => {
  test("is seen at every control of every page, and in dialogs and menus", async () => {
    const page = await open("/general", { viewport: { width: 1366, height: 860 } });
    const check = async (where, root = "body", key = "Tab") => {
      const { controls, unseen } = await unseenFocus(page, root, key);
      assert.ok(controls > 0, where);
      assert.deepEqual(unseen, [], where);
    };
    await page.getByRole("heading", { name: "General" }).waitFor();
    await check("general");
    for (const [path, , content] of [...lists.map(([link, ...rest]) => [`/${link.toLowerCase()}`, ...rest]), ...things()]) {
      await page.goto(path);
      await page.locator(`main ${content}`).first().waitFor();
      await check(path, "main");
    }
    await page.goto("/tokens");
    await row(page, LONG).getByRole("button", { name: "Actions for" }).click();
    await page.getByRole("menuitem", { name: "Edit" }).waitFor();
    await check("a menu", ".token-menu", "ArrowDown");
    await chooseItem(page, "Edit");
    await anyDialog(page).getByLabel("Label", { exact: true }).waitFor();
    await check("a dialog", "[role=dialog]");
    await page.goto(`/tokens/${token.id}`);
    await page.getByRole("button", { name: "Change permissions" }).click();
    await anyDialog(page).getByRole("checkbox").first().waitFor();
    await check("permissions", "[role=dialog]");
    await page.goto("/webhooks");
    await page.getByRole("button", { name: "Create webhook" }).click();
    await anyDialog(page).getByLabel("Label", { exact: true }).waitFor();
    await check("a webhook's form", "[role=dialog]");
    await closePage(page);
    const outside = await newPage(scene.browser, scene.server.url);
    await outside.goto("/sign-in");
    await outside.getByLabel("E-mail", { exact: true }).waitFor();
    const { controls, unseen } = await unseenFocus(outside, "main");
    assert.deepEqual([controls, unseen], [4, []]);
    await closePage(outside);
  });
});
