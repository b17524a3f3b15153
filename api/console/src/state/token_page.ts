import { computed, onScopeDispose, reactive, watch } from "vue";
import { type LocationQuery, useRoute, useRouter } from "vue-router";

import { tokensApi } from "../api";
import { Failure } from "../api/errors";
import { type Token, TOKEN_ORDERS, TOKEN_STATUSES, TOKEN_TYPES, type TokenQuery } from "../api/tokens";
import { connection } from "./connection";
import { session } from "./session";

export const PAGE_SIZES = [10, 25, 50, 100];
const PAGE_SIZE = 25;
const PENDING_MS = 2000;

interface State {
  tokens: Token[];
  total: number;
  loaded: boolean;
  loading: boolean;
  failure: unknown;
}

export interface TokenPlace extends TokenQuery {
  page: number;
  size: number;
}

function positive(text: unknown, otherwise: number): number {
  const value = typeof text === "string" ? Number(text) : Number.NaN;
  return Number.isInteger(value) && value > 0 ? value : otherwise;
}

function oneOf<Value extends string, Otherwise>(text: unknown, values: readonly Value[], otherwise: Otherwise) {
  return values.find((value) => value === text) ?? otherwise;
}

// The list's place as the address says it, ?q=crm&status=expired&page=2; what is none counts as absent.
export function placeOf(query: LocationQuery): TokenPlace {
  const size = positive(query.size, PAGE_SIZE);
  return {
    search: typeof query.q === "string" ? query.q : "",
    type: oneOf(query.type, TOKEN_TYPES, ""),
    status: oneOf(query.status, TOKEN_STATUSES, ""),
    order: oneOf(query.order, Object.keys(TOKEN_ORDERS) as (keyof typeof TOKEN_ORDERS)[], "newest"),
    page: positive(query.page, 1),
    size: PAGE_SIZES.includes(size) ? size : PAGE_SIZE,
  };
}

export function queryOf(place: TokenPlace): Record<string, string> {
  const query: Record<string, string> = {};
  if (place.search !== "") query.q = place.search;
  if (place.type !== "") query.type = place.type;
  if (place.status !== "") query.status = place.status;
  if (place.order !== "newest") query.order = place.order;
  if (place.page > 1) query.page = String(place.page);
  if (place.size !== PAGE_SIZE) query.size = String(place.size);
  return query;
}

// One page of the token list, as the address says. Loads when that changes, when the connection or the session
// comes back, and again for as long as a token on it is pending.
export function useTokenPage() {
  const route = useRoute();
  const router = useRouter();
  const state = reactive<State>({ tokens: [], total: 0, loaded: false, loading: false, failure: null });
  let current: AbortController | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const place = computed(() => placeOf(route.query));
  const filtered = computed(() => Boolean(place.value.search || place.value.type || place.value.status));

  // Another page is a step back in the history; a filter, typed letter by letter, is not.
  function goTo(changes: Partial<TokenPlace>): void {
    const query = queryOf({ ...place.value, page: 1, ...changes });
    const paged = changes.page !== undefined || changes.size !== undefined;
    void router[paged ? "push" : "replace"]({ name: "tokens", query });
  }

  function stop(): void {
    clearTimeout(timer);
    current?.abort();
  }

  async function load(): Promise<void> {
    stop();
    const mine = new AbortController();
    current = mine;
    state.loading = true;
    try {
      const { page, size } = place.value;
      const answer = await tokensApi.list(place.value, (page - 1) * size, size, mine.signal);
      if (current !== mine) return;
      const lastPage = Math.max(1, Math.ceil(answer.range.total / size));
      if (page > lastPage) return goTo({ page: lastPage });
      Object.assign(state, { tokens: answer.tokens, total: answer.range.total, loaded: true, failure: null });
      if (answer.tokens.some((token) => token.status === "pending")) timer = setTimeout(load, PENDING_MS);
    } catch (error) {
      if (current !== mine) return;
      if (!(error instanceof Failure && error.kind === "signed-out")) state.failure = error;
    } finally {
      if (current === mine) state.loading = false;
    }
  }

  watch(
    () => JSON.stringify(place.value),
    () => {
      if (route.name === "tokens") void load();
    },
  );
  watch([() => connection.state.restored, () => session.state.resumed], load);
  onScopeDispose(() => {
    stop();
    current = null;
  });
  void load();
  return { state, place, filtered, goTo, load };
}
