import { after, before, describe } from "node:test";

import { contextOf, launch, openAs, pageOf } from "./browser.mjs";
import { Receiver } from "./receiver.mjs";
import { Server } from "./server.mjs";

// One browser for all files of tests that run in this process.
let browser;
const scenes = [];

after(async () => {
  await browser?.then((launched) => launched.close());
  for (const { server, receiver } of scenes) {
    await server?.remove();
    await receiver?.close();
  }
});

// What a file of tests runs against: a program of its own and a browser, there from the first of its tests on. Its
// tests stand within this `describe`. `open` opens a page as the account's owner, all in one session, since hashing a
// password takes its time, and in one browser profile, which has the console's scripts already; with `ownContext` or
// options of a profile (viewport, …), in a profile of its own; with `ownSessions`, for tests that end them, each in its
// own. `setScene(scene)` runs once, before the tests. With `receives`, a receiver of the program's calls is there, at
// whose /zapier Zapier tokens are announced.
export function suite(setScene = async () => {}, { receives = false, ownSessions = false } = {}) {
  let begun;
  let shared;
  const scene = {
    describe(name, body) {
      describe(name, () => {
        before(() => (begun ??= begin()));
        body();
      });
    },

    async open(path = "/tokens", { ownContext = false, ...options } = {}) {
      const { server } = scene;
      if (ownSessions) return openAs(scene.browser, server, server.owner, path, options);
      shared ??= shareContext();
      const { context, cookie } = await shared;
      if (ownContext || Object.keys(options).length > 0) {
        return openAs(scene.browser, server, server.owner, path, { cookie, ...options });
      }
      const page = await pageOf(context, server.url);
      page.sharesContext = true;
      await page.goto(path);
      return page;
    },
  };

  async function begin() {
    scenes.push(scene);
    if (receives) scene.receiver = await Receiver.make();
    const settings = receives ? scene.receiver.settings() : {};
    browser ??= launch();
    [scene.server, scene.browser] = await Promise.all([Server.make(settings), browser]);
    await setScene(scene);
  }

  async function shareContext() {
    const { cookie } = await scene.server.signIn(scene.server.owner);
    const context = await contextOf(scene.browser, scene.server.url);
    await context.addCookies([cookie]);
    return { context, cookie };
  }
  return scene;
}
