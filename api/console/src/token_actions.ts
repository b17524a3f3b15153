import {
  mdiAutorenew,
  mdiDelete,
  mdiKeyChange,
  mdiPauseCircleOutline,
  mdiPencil,
  mdiPlayCircleOutline,
} from "@mdi/js";

import type { Token, TokenStatus } from "./api/tokens";
import { texts } from "./texts";

export type TokenAction = "enable" | "disable" | "rotate" | "renew" | "edit" | "remove";

export interface ActionChoice {
  value: TokenAction;
  title: string;
  icon: string;
  danger?: boolean;
}

const icons: Record<TokenAction, string> = {
  enable: mdiPlayCircleOutline,
  disable: mdiPauseCircleOutline,
  rotate: mdiKeyChange,
  renew: mdiAutorenew,
  edit: mdiPencil,
  remove: mdiDelete,
};

// What a token in this status takes, as domain/token_lifecycle.cc has it.
const possible: Record<TokenStatus, readonly TokenAction[]> = {
  pending: ["edit", "remove"],
  active: ["disable", "rotate", "renew", "edit", "remove"],
  inactive: ["enable", "rotate", "edit", "remove"],
  expiring: ["disable", "rotate", "renew", "edit", "remove"],
  expired: ["rotate", "edit", "remove"],
  revitalised: ["disable", "rotate", "edit", "remove"],
  deleted: [],
};

// For the menu of a token.
export function actionsFor(token: Pick<Token, "status">): ActionChoice[] {
  return (possible[token.status] ?? possible.active).map((value) => ({
    value,
    title: texts.tokenActions[value],
    icon: icons[value],
    danger: value === "remove",
  }));
}
