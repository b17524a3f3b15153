import type { TokenStatus } from "./api/tokens";

const tones: Record<TokenStatus, string> = {
  pending: "info",
  active: "success",
  inactive: "secondary",
  expiring: "warning",
  expired: "error",
  revitalised: "info",
  deleted: "secondary",
};

// The class that colours a token's status.
export function toneOf(status: TokenStatus): string {
  return `status-${tones[status] ?? "secondary"}`;
}
