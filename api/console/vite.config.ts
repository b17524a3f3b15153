import vue from "@vitejs/plugin-vue";
import vuetify from "vite-plugin-vuetify";
import { defineConfig } from "vitest/config";

// Where `npm run dev` finds a running `mintmark serve`.
const server = process.env.CONSOLE_SERVER ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [vue(), vuetify({ autoImport: true })],
  // All components here, Vuetify's too, are composed (`setup`). Else each that is mounted would be looked through for
  // options, of which Vuetify mixes one into all.
  define: { __VUE_OPTIONS_API__: "false" },
  build: {
    target: "es2022",
    // Nothing is inlined as data: the Content-Security-Policy then names 'self' alone for fonts and scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { "/public": server, "/authorize": server, "/healthz": server } },
  test: {
    include: ["tests/console/unit/**/*.test.ts"],
    environment: "node",
  },
});
