import type { RouteLocationRaw } from "vue-router";

import type { Happening } from "./api/events";
import { texts } from "./texts";

// What happened, in words: "Created the token", with the token's name behind it. A kind of event that this console
// does not know is told by its own name, "TokenMelted" as "Token melted".
export function sentenceOf(event: Pick<Happening, "type">): string {
  const known = (texts.happened as Record<string, string>)[event.type];
  if (known !== undefined) return known;
  const words = event.type.replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const named = ["token", "webhook", "user", "extension"];

// The name of what it happened to, where that says something beside the sentence: not for the account, which is one's
// own, nor for sessions and others that have none.
export function nameOf({ object }: Pick<Happening, "object">): string {
  return named.includes(object.kind) ? object.name || object.id || "" : "";
}

// The page of what it happened to, where there is one.
export function linkOf({ object }: Pick<Happening, "object">): RouteLocationRaw | null {
  if (!object.id) return null;
  if (object.kind === "token") return { name: "token", params: { id: object.id } };
  if (object.kind === "webhook") return { name: "webhook", params: { id: object.id } };
  return null;
}

export function whoOf({ actor }: Pick<Happening, "actor">): string {
  if (actor.kind === "worker") return texts.activity.worker;
  if (actor.kind === "operator") return texts.activity.operator(actor.name || actor.id);
  return actor.email || actor.name || actor.id;
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

// What of its data belongs to the sentence: which fields changed, which modules, what was refused; mostly nothing.
export function detailOf({ type, data }: Pick<Happening, "type" | "data">): string {
  const words = texts.activity;
  const fields = texts.changedFields as Record<string, string>;
  if (type === "PermissionsGranted" || type === "PermissionsRevoked") {
    return words.modules(list(data.modules).map((number) => `MD-${String(number).padStart(4, "0")}`).join(", "));
  }
  if (type.endsWith("Updated")) {
    const changed = Object.keys(data).flatMap((field) => fields[field] ?? []);
    return changed.length === 0 ? "" : words.changed(changed.join(", "));
  }
  if (type === "JobsRetried" || type === "JobsCancelled") return words.jobs(list(data.jobs).length);
  return "";
}
