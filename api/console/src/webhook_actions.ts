import { mdiDelete, mdiKeyOutline, mdiPencil, mdiPlayOutline } from "@mdi/js";

import type { Webhook } from "./api/webhooks";
import { texts } from "./texts";

export type WebhookAction = "trigger" | "secret" | "edit" | "remove";

// For the menu of a webhook; one that is off cannot be triggered.
export function webhookActions(webhook: Pick<Webhook, "active">) {
  const words = texts.webhookActions;
  const all: { value: WebhookAction; title: string; icon: string; danger?: boolean }[] = [
    { value: "trigger", title: words.trigger, icon: mdiPlayOutline },
    { value: "secret", title: words.secret, icon: mdiKeyOutline },
    { value: "edit", title: words.edit, icon: mdiPencil },
    { value: "remove", title: words.remove, icon: mdiDelete, danger: true },
  ];
  return all.filter(({ value }) => webhook.active || value !== "trigger");
}
