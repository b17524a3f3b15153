import { computed } from "vue";
import type { LocationQuery } from "vue-router";

import { tokensApi } from "../api";
import { TOKEN_ORDERS, TOKEN_STATUSES, type TokenOrder, type TokenQuery } from "../api/tokens";
import { addressOf, oneOf, type Paged, pagedOf, searchedOf, textOf, useListPage } from "./list_page";

export interface TokenPlace extends TokenQuery, Paged {}

// The list's place as the address says it, ?q=crm&status=expired&page=2; what is none counts as absent.
export function placeOf(query: LocationQuery): TokenPlace {
  return {
    ...pagedOf(query),
    search: searchedOf(query.q),
    type: textOf(query.type),
    status: oneOf(query.status, TOKEN_STATUSES),
    order: oneOf(query.order, Object.keys(TOKEN_ORDERS) as TokenOrder[]) || "newest",
  };
}

export function queryOf(place: TokenPlace): Record<string, string> {
  const { search, type, status, order } = place;
  return addressOf(place, { q: search, type, status, order: order === "newest" ? "" : order });
}

// One page of the token list, as the address says.
export function useTokenPage() {
  const list = useListPage({
    route: "tokens",
    placeOf,
    queryOf,
    list: (place: TokenPlace, offset, limit, signal) => tokensApi.list(place, offset, limit, signal),
    // The list shows who made a token.
    concerns: ({ object }) => object.kind === "token" || object.kind === "user",
  });
  const filtered = computed(() => {
    const { search, type, status } = list.place.value;
    return Boolean(search || type || status);
  });
  return { ...list, filtered };
}
