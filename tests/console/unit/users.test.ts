import { expect, it } from "vitest";

import { Client } from "../../../api/console/src/api/client";
import { UsersApi } from "../../../api/console/src/api/users";

it("lists all of an account's users, however many those are", async () => {
  const total = 2345;
  const asked: string[] = [];
  const api = new UsersApi(
    new Client(async (url) => {
      asked.push(String(url));
      const query = new URLSearchParams(String(url).split("?")[1]);
      const [offset, limit] = [Number(query.get("offset")), Number(query.get("limit"))];
      const last = Math.min(offset + limit, total) - 1;
      const page = Array.from({ length: last - offset + 1 }, (_, index) => ({ id: `UR-${offset + index}` }));
      return new Response(JSON.stringify(page), { headers: { "Content-Range": `items ${offset}-${last}/${total}` } });
    }),
  );
  const all = await api.all("PA-1");
  expect([asked.length, all.length]).toEqual([3, total]);
  expect(new Set(all.map(({ id }) => id)).size).toBe(total);
});
