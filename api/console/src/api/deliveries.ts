import { type Client, type ContentRange, parseContentRange } from "./client";
import { rqlQuery, rqlText } from "./rql";

export const JOB_STATUSES = ["waiting", "running", "parked", "dead", "cancelled", "done"] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

// What the worker does.
export const JOB_KINDS = [
  "deliver_webhook",
  "test_webhook",
  "stop_webhook",
  "follow_token",
  "issue_zapier_connection",
  "withdraw_zapier_connection",
] as const;
export type JobKind = (typeof JOB_KINDS)[number];

export interface Work {
  id: string;
  status: JobStatus;
  // What called for it: "token.created", "trigger", "test", …
  event: { position: number; type: string };
  created_at: string;
  next_attempt_at: string | null;
}

export interface Attempt {
  at: string;
  duration_ms: number;
  status: number | null; // HTTP's; null without an answer
  error: string | null;
  failure?: string | null;
}

// One call of a webhook, with all of its attempts.
export interface Delivery extends Work {
  attempts: Attempt[];
  // Null where it can no longer be told. `changed`: the webhook was, since the last attempt.
  request: { method: string; body: string; changed: boolean } | null;
}

export interface Named {
  id: string;
  name: string;
}

export interface Job extends Work {
  kind: JobKind;
  webhook: Named | null;
  token: Named | null;
  attempts: number;
  last_status: number | null;
  last_error: string | null;
  last_failure?: string | null;
}

export interface Listed<Item> {
  items: Item[];
  range: ContentRange;
}

export interface JobQuery {
  status: JobStatus | "";
  kind: JobKind | "";
  search: string; // an id of a webhook, a token or a job, or a part of one
}

function jobFilters(query: JobQuery): (string | false)[] {
  return [
    query.status !== "" && `status=${query.status}`,
    query.kind !== "" && `kind=${query.kind}`,
    query.search !== "" && `search=${rqlText(query.search)}`,
  ];
}

const path = (id: string) => `/jobs/${encodeURIComponent(id)}`;

export class DeliveriesApi {
  constructor(private readonly client: Client) {}

  // A webhook's newest first.
  async listOf(
    webhook: string,
    status: JobStatus | "",
    offset: number,
    limit: number,
    signal?: AbortSignal,
  ): Promise<Listed<Delivery>> {
    const query = rqlQuery([status !== "" && `status=${status}`, `limit=${limit}`, `offset=${offset}`]);
    return this.list(`/notifications/webhooks/${encodeURIComponent(webhook)}/deliveries?${query}`, signal);
  }

  // Null where it is known no more.
  async read(webhook: string, id: string): Promise<Delivery | null> {
    const query = `id=${encodeURIComponent(id)}`;
    const url = `/notifications/webhooks/${encodeURIComponent(webhook)}/deliveries?${query}`;
    return (await this.list<Delivery>(url)).items[0] ?? null;
  }

  // Calls a webhook once, to see whether its receiver answers.
  async test(webhook: string, idempotencyKey: string): Promise<Delivery> {
    const url = `/notifications/webhooks/${encodeURIComponent(webhook)}/test`;
    return (await this.client.call<Delivery>(url, { method: "POST", idempotencyKey })).body;
  }

  // What the worker has to do or has given up.
  async jobs(query: JobQuery, offset: number, limit: number, signal?: AbortSignal): Promise<Listed<Job>> {
    return this.list(`/jobs?${rqlQuery([...jobFilters(query), `limit=${limit}`, `offset=${offset}`])}`, signal);
  }

  async retry(id: string): Promise<void> {
    await this.client.call(`${path(id)}/retry`, { method: "POST" });
  }

  async cancel(id: string): Promise<void> {
    await this.client.call(`${path(id)}/cancel`, { method: "POST" });
  }

  // How many of those that match retrying would attempt anew.
  async countToRetry(query: JobQuery): Promise<number> {
    return this.retryMatching([...jobFilters(query), "dry_run=true"]);
  }

  // Retries all that match; tells how many those were.
  async retryAll(query: JobQuery, idempotencyKey: string): Promise<number> {
    return this.retryMatching(jobFilters(query), idempotencyKey);
  }

  private async retryMatching(terms: (string | false)[], idempotencyKey = ""): Promise<number> {
    const call = { method: "POST", ...(idempotencyKey && { idempotencyKey }) } as const;
    return (await this.client.call<{ count: number }>(`/jobs/retry?${rqlQuery(terms)}`, call)).body.count;
  }

  private async list<Item>(url: string, signal?: AbortSignal): Promise<Listed<Item>> {
    const { body, headers } = await this.client.call<Item[]>(url, signal ? { signal } : {});
    return { items: body, range: parseContentRange(headers.get("Content-Range")) };
  }
}
