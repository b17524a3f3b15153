import { after, before } from "node:test";

import { launch, openAs } from "./browser.mjs";
import { Receiver } from "./receiver.mjs";
import { Server } from "./server.mjs";

// What a file of tests runs against: a program of its own and a browser, there from the first test to the last.
// `open` opens a page as the account's owner, all in one session, since hashing a password takes its time; with
// `ownSessions`, for tests that end them, each in its own. `setScene(scene)` runs once, before the tests. With
// `receives`, a receiver of the program's calls is there, at whose /zapier Zapier tokens are announced.
export function suite(setScene = async () => {}, { receives = false, ownSessions = false } = {}) {
  let session;
  const scene = {
    async open(path, options) {
      const { browser, server } = scene;
      if (!ownSessions) session ??= server.signIn(server.owner);
      return openAs(browser, server, server.owner, path, { cookie: (await session)?.cookie, ...options });
    },
  };
  before(async () => {
    if (receives) scene.receiver = await Receiver.make();
    const settings = receives ? scene.receiver.settings() : {};
    [scene.server, scene.browser] = await Promise.all([Server.make(settings), launch()]);
    await setScene(scene);
  });
  after(async () => {
    await scene.browser?.close();
    await scene.server?.remove();
    await scene.receiver?.close();
  });
  return scene;
}
