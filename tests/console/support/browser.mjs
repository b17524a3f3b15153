import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

// Required, and axe read alone: to import them, Node would go through megabytes of scripts for what they export, which
// took each file of tests a second.
const require = createRequire(import.meta.url);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const executable = process.env.CHROMIUM ?? "/usr/bin/chromium-headless-shell";
// Ample, since nothing passes because it waited long: a busy machine is slow, not wrong.
const WAIT_MS_MAX = 30_000;

// With `scrollbars`, those of a desk, which a browser that nobody sees leaves out. With `asUsual`, it compiles and collects
// beside its pages, as people's browsers do, for figures to mean something.
export function launch({ scrollbars = false, asUsual = false } = {}) {
  return chromium.launch({
    ...(scrollbars && { ignoreDefaultArgs: ["--hide-scrollbars"] }),
    executablePath: executable,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      // Pages live for a second or two here: threads that compile and collect for them ahead cost more than they save.
      ...(asUsual ? [] : ["--js-flags=--single-threaded"]),
      // A page's own process, that is: none is started ahead for the next.
      "--renderer-process-limit=1",
    ],
  });
}

// A fresh browser profile.
export async function contextOf(browser, url, options = {}) {
  const context = await browser.newContext({
    baseURL: url,
    viewport: { width: 1366, height: 860 },
    permissions: ["clipboard-read", "clipboard-write"],
    locale: "en-GB",
    reducedMotion: "reduce",
    ...options,
  });
  context.setDefaultTimeout(WAIT_MS_MAX);
  return context;
}

// A page of that profile. `page.complaints` gathers what the browser complains of: scripts that failed, what the
// Content-Security-Policy stopped, anything asked of another host.
export async function pageOf(context, url) {
  const page = await context.newPage();
  page.complaints = [];
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  page.on("dialog", (dialog) => {
    page.complaints.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("console", (message) => {
    // Answers such as 401 and lost connections are part of what is tested; and Vuetify may animate the label of a
    // field that has just gone, whose scale is no number: browsers leave that out.
    const expected = /^Failed to load resource|^Invalid keyframe value for property transform: .* scale\(NaN\)/;
    if (["error", "warning"].includes(message.type()) && !expected.test(message.text())) {
      page.complaints.push(message.text());
    }
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith("data:")) {
      page.complaints.push(`asked elsewhere: ${request.url()}`);
    }
  });
  return page;
}

// A page of a fresh browser profile.
export async function newPage(browser, url, options) {
  return pageOf(await contextOf(browser, url, options), url);
}

export async function closePage(page) {
  await (page.sharesContext ? page.close() : page.context().close());
  assert.deepEqual(page.complaints, []);
}

export async function signIn(page, { email, password }) {
  await page.getByLabel("E-mail", { exact: true }).fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

// A page of somebody who has signed in before, in a session of its own unless in the one whose cookie is given.
export async function openAs(browser, server, user, path = "/tokens", { cookie, ...options } = {}) {
  const page = await newPage(browser, server.url, options);
  await page.context().addCookies([cookie ?? (await server.signIn(user)).cookie]);
  await page.goto(path);
  return page;
}

// What is in the clipboard, once it is as wanted.
export async function clipboard(page, isWanted) {
  const deadline = Date.now() + WAIT_MS_MAX;
  for (;;) {
    const text = await page.evaluate(() => navigator.clipboard.readText());
    if (isWanted(text)) return text;
    assert.ok(Date.now() < deadline, "the clipboard does not hold what was copied");
    await page.waitForTimeout(30);
  }
}

// Holds back every call of the address from now on, until what this returns is called.
export async function holdBack(page, address, method = "POST") {
  let letGo;
  const released = new Promise((resolve) => (letGo = resolve));
  await page.route(address, async (route) => {
    if (route.request().method() === method) await released;
    await route.continue();
  });
  return async () => {
    letGo();
    await page.unrouteAll({ behavior: "wait" });
  };
}

// Follows a link to the page whose heading it bears, and waits for it: until then the page that is left is still there,
// with texts that the other has too.
export async function follow(page, name) {
  await page.getByRole("link", { name, exact: true }).click();
  await page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
}

// The row of a token, by its label.
export function row(page, label) {
  return page.getByRole("row").filter({ has: page.getByText(label, { exact: true }) });
}

// Of the menu that was just opened. While it comes in it lets clicks through; then Playwright would scroll the page for
// another try, and the menu would move with it.
export async function chooseItem(page, name, role = "menuitem") {
  const item = page.getByRole(role, { name, exact: true });
  await item.waitFor();
  await page.locator(".v-menu > .v-overlay__content[style*=pointer-events]").waitFor({ state: "detached" });
  await item.click();
}

export async function chooseFromMenu(page, label, item) {
  await page.getByRole("button", { name: `Actions for ${label}`, exact: true }).click();
  await chooseItem(page, item);
}

// A dialog of whatever kind, the ones that warn too.
export function anyDialog(page) {
  return page.locator("[role=dialog], [role=alertdialog]");
}

// What the keyboard is at, by the name that it has for people.
export function focusedName(page) {
  return page.evaluate(() => {
    const element = document.activeElement;
    return (element?.getAttribute("aria-label") ?? element?.labels?.[0]?.textContent ?? element?.textContent ?? "").trim();
  });
}

export async function isFocused(page, name) {
  const deadline = Date.now() + WAIT_MS_MAX;
  for (;;) {
    const now = await focusedName(page);
    if (typeof name === "string" ? now === name : name.test(now)) return;
    assert.ok(Date.now() < deadline, `the keyboard is at "${now}", not at "${name}"`);
    await page.waitForTimeout(30);
  }
}

const TABS_MAX = 120;

// By Tab alone to what bears the name.
export async function tabTo(page, name) {
  const passed = [];
  for (let pressed = 0; pressed < TABS_MAX; pressed += 1) {
    await page.keyboard.press("Tab");
    passed.push(await focusedName(page));
    if (typeof name === "string" ? passed.at(-1) === name : name.test(passed.at(-1))) return;
  }
  assert.fail(`Tab never comes to "${name}", but to ${passed.join(" | ")}`);
}

// By how many pixels the page is wider than its window, or a panel's content than its panel, which cuts it off. Widths
// are rounded, each by itself.
export function overhang(page) {
  return page.evaluate(() => {
    const panels = [...document.querySelectorAll(".panel-table")].map((each) => each.scrollWidth - each.clientWidth - 1);
    return Math.max(document.documentElement.scrollWidth - window.innerWidth, ...panels);
  });
}

// The texts that reach beyond the window, or beyond what around them cuts off, but for those that end in an ellipsis.
export function cutOff(page) {
  return page.evaluate(() => {
    const clips = ({ overflowX, textOverflow }) => overflowX !== "visible" && textOverflow !== "ellipsis";
    const isCut = (text) => {
      const range = document.createRange();
      range.selectNodeContents(text);
      const boxes = [...range.getClientRects()];
      for (let around = text.parentElement; around; around = around.parentElement) {
        const style = getComputedStyle(around);
        if (around.matches(".off-screen, [aria-hidden=true]") || style.visibility === "hidden") return false;
        if (style.textOverflow === "ellipsis" && style.overflowX !== "visible") return false;
        // What stands beside the window until it is asked for: the navigation, the way to the content.
        if (around.matches(".v-navigation-drawer, .skip-link") || style.clipPath !== "none") return false;
        const { left, right } = around === document.documentElement ? { left: 0, right: window.innerWidth } : around.getBoundingClientRect();
        const cuts = around === document.documentElement || clips(style);
        if (cuts && boxes.some((box) => box.left < left - 1 || box.right > right + 1)) return true;
      }
      return false;
    };
    const found = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const text = texts.currentNode;
      if (text.textContent.trim() !== "" && isCut(text)) found.push(text.textContent.trim());
    }
    return found;
  });
}

// How many controls there are below `root`, and which of them look the same with the keyboard at them as without; `key` is
// one that leaves all as it is there.
export async function unseenFocus(page, root, key = "Tab") {
  // From here on the browser shows where the focus is, as it does for those who use the keyboard.
  await page.keyboard.press(key);
  return page.evaluate(async (below) => {
    // How an element is framed: its outline, shadow and border; of a text field, those of the frame around it.
    const framed = (element, pseudo) => {
      const { outlineStyle, outlineWidth, outlineColor, boxShadow, borderWidth, borderColor, opacity } = getComputedStyle(element, pseudo);
      const outline = outlineStyle === "none" ? "" : `${outlineStyle} ${outlineWidth} ${outlineColor}`;
      return [outline, boxShadow, borderWidth, borderColor, opacity].join();
    };
    const lookOf = (element) => {
      const frame = element.closest(".v-field")?.querySelectorAll(".v-field__outline, .v-field__outline *") ?? [];
      return [element, ...frame].flatMap((part) => [undefined, "::before", "::after"].map((pseudo) => framed(part, pseudo))).join("|");
    };
    const controls = [...document.querySelector(below).querySelectorAll("a, button, input, select, textarea, summary, [tabindex]")].filter(
      (element) => (element.tabIndex >= 0 || element.role === "menuitem") && !element.disabled && element.checkVisibility({ visibilityProperty: true }),
    );
    // What follows the focus by script does so in the next frame.
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const unseen = [];
    for (const element of controls) {
      document.activeElement?.blur();
      if (element.closest(".v-field")) await frame();
      const before = lookOf(element);
      element.focus({ preventScroll: true });
      if (element.closest(".v-field")) await frame();
      if (document.activeElement === element && lookOf(element) === before) unseen.push(element.outerHTML.slice(0, 160));
    }
    return { controls: controls.length, unseen };
  }, root);
}

// The short message at the foot of the page.
export function notice(page, text) {
  return page.getByRole("status").getByText(text);
}

export async function createToken(page, label, fill = async () => {}) {
  await page.getByRole("button", { name: "Create token" }).first().click();
  const dialog = page.getByRole("dialog", { name: "Create token" });
  await dialog.getByLabel("Label", { exact: true }).fill(label);
  await fill(dialog);
  await dialog.getByRole("button", { name: "Create token" }).click();
  const summary = page.getByRole("dialog", { name: "Token created" });
  await summary.waitFor();
  return summary;
}

export async function leaveSummary(page) {
  await page.getByRole("button", { name: "Done" }).click();
  await anyDialog(page).waitFor({ state: "hidden" });
}

// Once nothing has moved for two frames: one transition's end may begin another.
async function standsStill(page) {
  await page.evaluate(async () => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const moving = () =>
      document.getAnimations().filter(({ effect }) => effect.getComputedTiming().iterations !== Infinity);
    for (let still = 0; still < 2; still += 1) {
      if (moving().length > 0) {
        await Promise.all(moving().map(({ finished }) => finished.catch(() => {})));
        still = -1;
      }
      await frame();
    }
  });
}

// Every rule of axe, the best practices and the newest (WCAG 2.2) too, on the page as it is now; with `colours`, those that
// depend on light and dark alone. Where a dialog is open, on that: what is behind it was there before.
export async function assertAccessible(page, what, { colours = false } = {}) {
  await standsStill(page);
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axe);
  const options = {
    resultTypes: ["violations"],
    ...(colours ? { runOnly: ["color-contrast", "link-in-text-block"] } : { rules: { "target-size": { enabled: true } } }),
  };
  const violations = await page.evaluate(async (given) => {
    const dialog = document.querySelector("[role=dialog], [role=alertdialog]");
    return (await globalThis.axe.run(dialog?.closest(".v-overlay-container") ?? document, given)).violations;
  }, options);
  const found = violations.flatMap(({ id, help, nodes }) =>
    nodes.map((node) => `${id}: ${help}: ${node.html.slice(0, 160)} ${node.any.map((c) => c.message).join("; ")}`),
  );
  assert.deepEqual(found, [], what);
}

// The same in light and in dark.
export async function assertAccessibleInBoth(page, what) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await page.waitForFunction((dark) => document.documentElement.classList.contains("dark") === dark, colorScheme === "dark");
    await assertAccessible(page, `${what}, ${colorScheme}`, { colours: colorScheme === "dark" });
  }
}
