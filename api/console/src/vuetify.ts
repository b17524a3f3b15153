import { createVuetify } from "vuetify";
import { aliases, mdi } from "vuetify/iconsets/mdi-svg";

// Vuetify would write its theme into a style element at run time, which our Content-Security-Policy forbids.
// Its variables stand in theme.css instead, so that no style is ever inline.
export const vuetify = createVuetify({
  theme: false,
  icons: { defaultSet: "mdi", aliases, sets: { mdi } },
  defaults: {
    global: { ripple: false },
    VBtn: { variant: "flat", rounded: "lg" },
    VCard: { variant: "flat", rounded: "xl" },
    VTextField: { variant: "outlined", density: "comfortable", color: "primary", hideDetails: "auto" },
    VSelect: { variant: "outlined", density: "comfortable", color: "primary", hideDetails: "auto" },
    VAlert: { variant: "tonal", rounded: "lg", density: "comfortable" },
  },
});
