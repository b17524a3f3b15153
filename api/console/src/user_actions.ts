import { mdiAccountCancelOutline, mdiAccountCheckOutline, mdiAccountKeyOutline, mdiDelete, mdiLockReset } from "@mdi/js";

import type { Member } from "./api/users";
import { texts } from "./texts";

export type UserAction = "role" | "password" | "activate" | "deactivate" | "remove";

// For the menu of a user. One's own password one changes oneself.
export function userActions(member: Pick<Member, "status">, isOneself: boolean) {
  const words = texts.userActions;
  const all: { value: UserAction; title: string; icon: string; danger?: boolean }[] = [
    { value: "role", title: words.role, icon: mdiAccountKeyOutline },
    { value: "password", title: words.password, icon: mdiLockReset },
    { value: "activate", title: words.activate, icon: mdiAccountCheckOutline },
    { value: "deactivate", title: words.deactivate, icon: mdiAccountCancelOutline },
    { value: "remove", title: words.remove, icon: mdiDelete, danger: true },
  ];
  const other = member.status === "active" ? "activate" : "deactivate";
  return all.filter(({ value }) => value !== other && !(isOneself && value === "password"));
}
