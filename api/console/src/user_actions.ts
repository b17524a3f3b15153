import { mdiAccountCancelOutline, mdiAccountCheckOutline, mdiAccountKeyOutline, mdiDelete } from "@mdi/js";

import type { Member } from "./api/users";
import { texts } from "./texts";

export type UserAction = "role" | "activate" | "deactivate" | "remove";

// For the menu of a user.
export function userActions(member: Pick<Member, "status">) {
  const words = texts.userActions;
  const all: { value: UserAction; title: string; icon: string; danger?: boolean }[] = [
    { value: "role", title: words.role, icon: mdiAccountKeyOutline },
    { value: "activate", title: words.activate, icon: mdiAccountCheckOutline },
    { value: "deactivate", title: words.deactivate, icon: mdiAccountCancelOutline },
    { value: "remove", title: words.remove, icon: mdiDelete, danger: true },
  ];
  const other = member.status === "active" ? "activate" : "deactivate";
  return all.filter(({ value }) => value !== other);
}
