import { computed, onScopeDispose, shallowReactive, watch } from "vue";
import { type LocationQuery, useRoute, useRouter } from "vue-router";

import type { Listed } from "../api/deliveries";
import { Failure } from "../api/errors";
import type { Happening } from "../api/events";
import { startOfDay } from "../format";
import { searchable } from "../searchable";
import { useFresh } from "./fresh";

export const PAGE_SIZES = [10, 25, 50, 100];
const PAGE_SIZE = 25;

export interface Paged {
  page: number;
  size: number;
}

interface State<Item> {
  items: Item[];
  total: number;
  loaded: boolean;
  loading: boolean;
  failure: unknown;
}

function positive(text: unknown, otherwise: number): number {
  const value = typeof text === "string" ? Number(text) : Number.NaN;
  return Number.isInteger(value) && value > 0 ? value : otherwise;
}

export function oneOf<Value extends string>(text: unknown, values: readonly Value[]): Value | "" {
  return values.find((value) => value === text) ?? "";
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

// A day as date fields have it; what is none counts as absent.
export function dayOf(value: unknown): string {
  const text = textOf(value);
  return startOfDay(text) === null ? "" : text;
}

// A text that is searched for; of a secret that somebody put into the address, no request is to hold it.
export function searchedOf(value: unknown): string {
  return searchable(textOf(value)).text;
}

// Page and size as an address says them; what is none counts as absent.
export function pagedOf(query: LocationQuery): Paged {
  const size = positive(query.size, PAGE_SIZE);
  return { page: positive(query.page, 1), size: PAGE_SIZES.includes(size) ? size : PAGE_SIZE };
}

// What of a place goes into the address: page and size where they are not the usual, and of the rest what is there.
export function addressOf(place: Paged, rest: Record<string, string>): Record<string, string> {
  const query = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== ""));
  if (place.page > 1) query.page = String(place.page);
  if (place.size !== PAGE_SIZE) query.size = String(place.size);
  return query;
}

export interface ListPage<Item, Place extends Paged> {
  route: string; // its name
  placeOf: (query: LocationQuery) => Place;
  queryOf: (place: Place) => Record<string, string>;
  list: (place: Place, offset: number, limit: number, signal: AbortSignal) => Promise<Listed<Item>>;
  // Whether what happened may have changed the list.
  concerns: (change: Happening) => boolean;
}

// One page of a list, as the address says, kept fresh.
export function useListPage<Item, Place extends Paged>(how: ListPage<Item, Place>) {
  const route = useRoute();
  const router = useRouter();
  const state = shallowReactive<State<Item>>({ items: [], total: 0, loaded: false, loading: false, failure: null });
  let current: AbortController | null = null;

  const place = computed(() => how.placeOf(route.query));

  // Another page is a step back in the history; a filter, typed letter by letter, is not.
  function goTo(changes: Partial<Place>): void {
    const query = how.queryOf({ ...place.value, page: 1, ...changes });
    const paged = changes.page !== undefined || changes.size !== undefined;
    void router[paged ? "push" : "replace"]({ query });
  }

  async function load(): Promise<void> {
    current?.abort();
    const mine = new AbortController();
    current = mine;
    state.loading = true;
    try {
      const { page, size } = place.value;
      const { items, range } = await how.list(place.value, (page - 1) * size, size, mine.signal);
      if (current !== mine) return;
      const lastPage = Math.max(1, Math.ceil(range.total / size));
      // In place of the page that is not there: going back leads past it.
      if (page > lastPage) return void router.replace({ query: how.queryOf({ ...place.value, page: lastPage }) });
      Object.assign(state, { items, total: range.total, loaded: true, failure: null });
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
      if (route.name === how.route) void load();
    },
  );
  onScopeDispose(() => {
    current?.abort();
    current = null;
  });
  useFresh(load, how.concerns);
  return { state, place, goTo, load };
}
