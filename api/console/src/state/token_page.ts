import { computed, onScopeDispose, reactive, watch } from "vue";
import { useRoute, useRouter } from "vue-router";

import { tokensApi } from "../api";
import { Failure } from "../api/errors";
import type { Token } from "../api/tokens";
import { connection } from "./connection";

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

function positive(text: unknown, otherwise: number): number {
  const value = typeof text === "string" ? Number(text) : Number.NaN;
  return Number.isInteger(value) && value > 0 ? value : otherwise;
}

// One page of the token list, as the address says: ?page=2&size=50. Loads when that changes, when the
// connection comes back, and again for as long as a token on it is pending.
export function useTokenPage() {
  const route = useRoute();
  const router = useRouter();
  const state = reactive<State>({ tokens: [], total: 0, loaded: false, loading: false, failure: null });
  let current: AbortController | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const page = computed(() => positive(route.query.page, 1));
  const size = computed(() => {
    const wanted = positive(route.query.size, PAGE_SIZE);
    return PAGE_SIZES.includes(wanted) ? wanted : PAGE_SIZE;
  });

  function goTo(newPage: number, newSize: number = size.value): void {
    const query: Record<string, string> = {};
    if (newPage > 1) query.page = String(newPage);
    if (newSize !== PAGE_SIZE) query.size = String(newSize);
    void router.push({ name: "tokens", query });
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
      const answer = await tokensApi.list((page.value - 1) * size.value, size.value, mine.signal);
      if (current !== mine) return;
      const lastPage = Math.max(1, Math.ceil(answer.range.total / size.value));
      if (page.value > lastPage) return goTo(lastPage);
      Object.assign(state, { tokens: answer.tokens, total: answer.range.total, loaded: true, failure: null });
      if (answer.tokens.some((token) => token.status === "pending")) timer = setTimeout(load, PENDING_MS);
    } catch (error) {
      if (current !== mine) return;
      if (!(error instanceof Failure && error.kind === "signed-out")) state.failure = error;
    } finally {
      if (current === mine) state.loading = false;
    }
  }

  watch([page, size], () => {
    if (route.name === "tokens") void load();
  });
  watch(() => connection.state.restored, load);
  onScopeDispose(() => {
    stop();
    current = null;
  });
  void load();
  return { state, page, size, goTo, load };
}
