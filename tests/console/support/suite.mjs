import { after, before } from "node:test";

import { launch, openAs } from "./browser.mjs";
import { Server } from "./server.mjs";

// What a file of tests runs against: a program of its own and a browser, there from the first test to the last.
// `open` opens a page as the account's owner; `setScene(scene)` runs once, before the tests.
export function suite(setScene = async () => {}) {
  const scene = {
    open: (path, options) => openAs(scene.browser, scene.server, scene.server.owner, path, options),
  };
  before(async () => {
    [scene.server, scene.browser] = await Promise.all([Server.make(), launch()]);
    await setScene(scene);
  });
  after(async () => {
    await scene.browser?.close();
    await scene.server?.remove();
  });
  return scene;
}
