import "vuetify/styles";

import { createApp, watch } from "vue";

import { client } from "./api";
import App from "./App.vue";
import { router, signInLocation } from "./router";
import "./state/appearance";
import { connection } from "./state/connection";
import { live } from "./state/live";
import { session } from "./state/session";
import { texts } from "./texts";
import { vuetify } from "./vuetify";
// Last, behind the styles of the components that they adjust.
import "./theme.css";
import "./console.css";
import "./lists.css";

client.onSignedOut(() => session.expire());
client.onRefused(() => session.askWhyRefused());
client.onConnection(connection.reached, connection.unreachable);
live.start();

watch(
  () => session.state.status,
  (status) => {
    const here = router.currentRoute.value;
    if (status === "signed-out" && !here.meta.public) void router.push(signInLocation(here));
  },
);

// Where Vuetify puts menus and dialogs: inside a landmark, so that screen readers can name the place.
const overlays = document.createElement("section");
overlays.className = "v-overlay-container";
overlays.setAttribute("aria-label", texts.overlays);
document.body.append(overlays);

createApp(App).use(vuetify).use(router).mount("#app");
