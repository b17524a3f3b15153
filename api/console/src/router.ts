import { nextTick } from "vue";
import { createRouter, createWebHistory, type RouteLocationNormalized } from "vue-router";

import ActivityPage from "./pages/ActivityPage.vue";
import DeliveriesPage from "./pages/DeliveriesPage.vue";
import GeneralPage from "./pages/GeneralPage.vue";
import SignInPage from "./pages/SignInPage.vue";
import TokenPage from "./pages/TokenPage.vue";
import TokensPage from "./pages/TokensPage.vue";
import UsersPage from "./pages/UsersPage.vue";
import WebhookPage from "./pages/WebhookPage.vue";
import WebhooksPage from "./pages/WebhooksPage.vue";
import { session } from "./state/session";
import { starting } from "./state/starting";
import { texts } from "./texts";

declare module "vue-router" {
  interface RouteMeta {
    title: string;
    public?: boolean;
  }
}

export const router = createRouter({
  history: createWebHistory("/"),
  routes: [
    { path: "/", redirect: "/tokens", meta: { title: texts.tokens } },
    { path: "/tokens", name: "tokens", component: TokensPage, meta: { title: texts.tokens } },
    { path: "/tokens/:id", name: "token", component: TokenPage, meta: { title: texts.tokenPage.title } },
    { path: "/webhooks", name: "webhooks", component: WebhooksPage, meta: { title: texts.webhooks } },
    { path: "/webhooks/:id", name: "webhook", component: WebhookPage, meta: { title: texts.webhookPage.title } },
    { path: "/deliveries", name: "deliveries", component: DeliveriesPage, meta: { title: texts.deliveriesTitle } },
    { path: "/activity", name: "activity", component: ActivityPage, meta: { title: texts.activityTitle } },
    { path: "/users", name: "users", component: UsersPage, meta: { title: texts.usersTitle } },
    { path: "/general", name: "general", component: GeneralPage, meta: { title: texts.general } },
    { path: "/sign-in", name: "sign-in", component: SignInPage, meta: { title: texts.signIn.title, public: true } },
    { path: "/:unknown(.*)", redirect: "/tokens", meta: { title: texts.tokens } },
  ],
});

// Where to go after signing in: a place in this console, never another site.
export function placeToReturn(route: RouteLocationNormalized): string {
  const next = route.query.next;
  return typeof next === "string" && /^\/(?![/\\])/.test(next) ? next : "/tokens";
}

export function signInLocation(from: RouteLocationNormalized) {
  return { name: "sign-in", query: from.fullPath === "/tokens" ? {} : { next: from.fullPath } };
}

// For the click on a plain link to a page of the console, which a RouterLink would follow just so: one that asks for a
// tab or a window of its own is the browser's.
export function followLink(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.altKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  void router.push((event.currentTarget as HTMLAnchorElement).pathname);
}

router.beforeEach(async (to) => {
  await starting.learnWhoIsSignedIn();
  // Here one stays until the session is taken up again or given up.
  if (session.state.status === "ended") return false;
  const signedIn = session.state.status === "signed-in";
  if (!to.meta.public && !signedIn) return signInLocation(to);
  if (to.name === "sign-in" && signedIn) return placeToReturn(to);
  return true;
});

// Another page starts at its heading, for the keyboard and for screen readers.
router.afterEach(async (to, from, failure) => {
  // One stays where one is: at an ended session, or at the same place.
  if (failure) return;
  document.title = `${to.meta.title} · ${texts.product}`;
  if (from.name === undefined || from.name === to.name) return;
  await nextTick();
  document.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
  window.scrollTo(0, 0);
});
