import type { Webhook } from "./api/webhooks";
import { formatDateTime } from "./format";
import { texts } from "./texts";

// What went wrong with a call, by the server's code for it; of a code that this console does not know, in the
// server's own words.
export function failureText(code: string | null | undefined, status: number | null | undefined, told: string): string {
  if (code === "status") return texts.callFailures.status(String(status ?? ""));
  const known = (texts.callFailures.others as Record<string, string>)[code ?? ""];
  return known ?? told;
}

// Why a webhook is not called; empty where it is.
export function inactiveText(webhook: Pick<Webhook, "inactive_reason" | "inactive_code" | "inactive_since">): string {
  const words = texts.inactiveReasons;
  const { inactive_code: code, inactive_since: since } = webhook;
  if (code === "failing" && since) return words.failing(formatDateTime(since));
  if (code === "gone" || code === "token_inactive") return words[code];
  return webhook.inactive_reason ?? "";
}
