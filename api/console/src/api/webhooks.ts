import type { Client } from "./client";
import type { Actor } from "./tokens";

export const OBJECT_CLASSES = [
  "token",
  "fulfillment_request",
  "tier_config_request",
  "tier_account_request",
  "listing_request",
  "billing_request",
  "usage_file",
] as const;
export type ObjectClass = (typeof OBJECT_CLASSES)[number];

export interface WebhookFields {
  label: string;
  object_class: string;
  external_url: string;
  http_method: string;
  description: string | null;
  active: boolean;
  headers: Record<string, string | null>;
  data: Record<string, unknown>;
}

type Person = Partial<Actor> & { id: string };

// The newest of its attempts that succeeded, or that failed.
export interface WebhookCall {
  time: string;
  status_code: number | null;
  errors: string;
  failure?: string | null;
}

export interface Webhook extends WebhookFields {
  id: string;
  created_at: string;
  created_by: Person;
  modified_at: string | null;
  modified_by?: Person;
  last_event: string | null;
  last_success?: WebhookCall;
  last_failure?: WebhookCall;
  // While the Zapier token that made it is not active.
  paused: boolean;
  // Why nothing is called, where that has a reason.
  inactive_reason: string | null;
  inactive_code?: string | null;
  inactive_since?: string | null;
  stats: {
    events: number;
    triggers: number;
    success_triggers: number;
    failure_triggers: number;
    failure_since_last_success: number;
  };
}

export interface VersionedWebhook {
  webhook: Webhook;
  version: string | null;
}

const BASE = "/notifications/webhooks";
// An account has no more than this.
const WEBHOOKS_MAX = 100;

export class WebhooksApi {
  constructor(private readonly client: Client) {}

  async list(): Promise<Webhook[]> {
    return (await this.client.call<Webhook[]>(`${BASE}?limit=${WEBHOOKS_MAX}`)).body.map(withoutSecret);
  }

  // Those that a token made: Zapier subscribes with its own.
  async listOf(tokenId: string): Promise<Webhook[]> {
    return (await this.list()).filter((webhook) => webhook.created_by.id === tokenId);
  }

  async read(id: string): Promise<VersionedWebhook> {
    const { body, headers } = await this.client.call<Webhook>(path(id));
    return { webhook: withoutSecret(body), version: headers.get("ETag") };
  }

  // What proves its calls; asked for anew each time, so that no page keeps it.
  async secret(id: string): Promise<string> {
    return (await this.client.call<{ jwt_secret: string | null }>(path(id))).body.jwt_secret ?? "";
  }

  async create(fields: WebhookFields, idempotencyKey: string): Promise<void> {
    await this.client.call(BASE, { method: "POST", body: fields, idempotencyKey });
  }

  async update(id: string, fields: WebhookFields, version: string | null): Promise<void> {
    await this.client.call(path(id), { method: "PUT", body: fields, ifMatch: version });
  }

  async remove(id: string): Promise<void> {
    await this.client.call(path(id), { method: "DELETE" });
  }
}

function path(id: string): string {
  return `${BASE}/${encodeURIComponent(id)}`;
}

function withoutSecret(webhook: Webhook): Webhook {
  const copy: Webhook & { jwt_secret?: unknown } = { ...webhook };
  delete copy.jwt_secret;
  return copy;
}
