import { expect, it } from "vitest";

import { listLeft } from "../../../api/console/src/list_left";

it("leads back to the list as it was left, where one came from it", () => {
  expect(listLeft("/tokens", "/tokens?status=expired&page=2")).toBe("/tokens?status=expired&page=2");
  expect(listLeft("/tokens", "/tokens")).toBe("/tokens");
});

it.each([null, undefined, "/tokens/SU-160-984-824", "/tokensearch?q=1", "/activity?page=2", 7])(
  "leads to the plain list otherwise: %j",
  (before) => expect(listLeft("/tokens", before)).toBe("/tokens"),
);
