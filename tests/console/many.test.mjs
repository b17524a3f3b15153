// Many tokens: paging, and how long the first page takes (printed; run alone, for the figures to mean something).
// Debian's Chromium against the real program; run.cmake runs this and names the program.
import assert from "node:assert/strict";
import { before, test } from "node:test";

import { closePage, launch, newPage } from "./support/browser.mjs";
import { suite } from "./support/suite.mjs";

const scene = suite();
const { describe, open } = scene;

describe("many tokens", () => {
  before(async () => {
    const rest = await scene.server.rest();
    const names = Array.from({ length: 60 }, (_, index) => `Client ${index + 1}`);
    await Promise.all(names.map((name) => rest("POST", "/auth/tokens", { name, extension: { name: "custom" } })));
  });

  test("are paged by the server, and the address says which page", async () => {
    const page = await open("/tokens?size=50");
    await page.getByText(/^1–50 of \d+$/).waitFor();
    assert.equal(await page.locator("tbody tr").count(), 50);
    await page.getByRole("button", { name: "Next page" }).click();
    await page.waitForURL("**/tokens?page=2&size=50");
    await page.getByText(/^51–\d+ of \d+$/).waitFor();
    await page.reload();
    await page.getByText(/^51–\d+ of \d+$/).waitFor();
    await page.getByLabel("Rows per page").selectOption("10");
    await page.getByText(/^1–10 of \d+$/).waitFor();
    await page.goto("/general");
    await page.goto("/tokens?page=9999&size=10");
    await page.getByText(/^\d+–\d+ of \d+$/).waitFor();
    assert.match(page.url(), /page=6&size=10$/);
    await page.goBack();
    await page.waitForURL("**/general");
    await closePage(page);
  });

  test("load quickly (figures, not limits)", async (t) => {
    const page = await open("/tokens?size=50");
    await page.getByText(/^1–50 of/).waitFor();
    const browser = await launch({ asUsual: true });
    const cold = await newPage(browser, scene.server.url, { storageState: await page.context().storageState() });
    await cold.addInitScript(() => {
      const asked = globalThis.fetch;
      globalThis.fetch = async (...call) => {
        const answer = await asked(...call);
        if (!String(call[0]).includes("/auth/tokens?")) return answer;
        const body = await answer.clone().text();
        globalThis.dataAt = performance.now();
        answer.text = () => Promise.resolve(body);
        return answer;
      };
      new MutationObserver(() => {
        if (globalThis.dataAt === undefined || globalThis.paintedAt !== undefined) return;
        if (document.querySelectorAll("tbody tr[role=row]").length < 50) return;
        globalThis.paintedAt = 0;
        requestAnimationFrame(() => setTimeout(() => (globalThis.paintedAt = performance.now())));
      }).observe(document, { childList: true, subtree: true });
    });
    const bytes = [];
    cold.on("response", async (response) => {
      if (/\/assets\/|\/tokens\?/.test(response.url()) && !response.url().includes("/public/")) {
        bytes.push(response.request().sizes());
      }
    });
    await cold.goto("/tokens?size=50");
    await cold.waitForFunction(() => globalThis.paintedAt > 0);
    const { dataAt, paintedAt } = await cold.evaluate(() => ({ dataAt: globalThis.dataAt, paintedAt: globalThis.paintedAt }));
    const sizes = await Promise.all(bytes);
    const kilobytes = sizes.reduce((sum, size) => sum + size.responseBodySize, 0) / 1024;
    t.diagnostic(`first load ${kilobytes.toFixed(0)} KB; interactive with 50 rows after ${paintedAt.toFixed(0)} ms`);
    t.diagnostic(`50 rows painted ${(paintedAt - dataAt).toFixed(0)} ms after their data`);
    await Promise.all([closePage(page), closePage(cold)]);
    await browser.close();
  });
});
