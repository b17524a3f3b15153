import { BASE, type Client, parseContentRange } from "./client";
import type { Listed } from "./deliveries";
import { rqlQuery, rqlText } from "./rql";

export const ACTOR_KINDS = ["user", "token", "worker", "operator"] as const;
export type ActorKind = (typeof ACTOR_KINDS)[number];

// Something that happened in the account, as the list, the export and the stream tell it.
export interface Happening {
  position: number;
  id: string;
  type: string;
  at: string;
  object: { kind: string; id: string | null; name: string | null };
  actor: { kind: ActorKind; id: string; name: string | null; email: string | null };
  client_ip: string | null;
  request_id: string | null;
  data: Record<string, unknown>;
}

export interface EventQuery {
  type: string;
  actor: string; // an id, one of ACTOR_KINDS, or empty
  object: string; // an id
  ip: string; // of the client
  from: string; // moments in ISO 8601, or empty
  to: string;
}

export const STREAM_PATH = `${BASE}/events/stream`;

export function eventFilters(query: EventQuery): string {
  const isKind = (ACTOR_KINDS as readonly string[]).includes(query.actor);
  // A value that is none of a list's usual ones goes into quotes.
  const value = (text: string) => (/^[\w.:+-]+$/.test(text) ? encodeURIComponent(text) : rqlText(text));
  return rqlQuery([
    query.type !== "" && `type=${value(query.type)}`,
    query.actor !== "" && `actor.${isKind ? "kind" : "id"}=${value(query.actor)}`,
    query.object !== "" && `object.id=${value(query.object)}`,
    query.ip !== "" && `client_ip=${value(query.ip)}`,
    query.from !== "" && `ge(at,${value(query.from)})`,
    query.to !== "" && `le(at,${value(query.to)})`,
  ]);
}

export class EventsApi {
  constructor(private readonly client: Client) {}

  // Newest first.
  async list(query: EventQuery, offset: number, limit: number, signal?: AbortSignal): Promise<Listed<Happening>> {
    const terms = rqlQuery([eventFilters(query), `limit=${limit}`, `offset=${offset}`]);
    const { body, headers } = await this.client.call<Happening[]>(`/events?${terms}`, signal ? { signal } : {});
    return { items: body, range: parseContentRange(headers.get("Content-Range")) };
  }
}

// Where a browser downloads all that the query finds.
export function exportAddress(query: EventQuery, format: "csv" | "jsonl"): string {
  return `${BASE}/events/export?${rqlQuery([`format=${format}`, eventFilters(query)])}`;
}
