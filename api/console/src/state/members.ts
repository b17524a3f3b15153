import { shallowRef } from "vue";

import { usersApi } from "../api";
import type { Member } from "../api/users";
import { useFresh } from "./fresh";
import { session } from "./session";

// The account's people, kept fresh; as long as they cannot be read, those that were.
export function useMembers() {
  const members = shallowRef<readonly Member[]>([]);

  async function load(): Promise<void> {
    if (!session.state.account) return;
    members.value = await usersApi.all(session.state.account.id).catch(() => members.value);
  }

  useFresh(load, ({ object }) => object.kind === "user");
  return members;
}
