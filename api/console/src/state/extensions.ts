import { shallowRef } from "vue";

import { extensionsApi } from "../api";
import { BUILT_IN, type Extension } from "../api/extensions";
import { useFresh } from "./fresh";

// The types of token there are, kept fresh; as long as they cannot be read, the two that are always there.
export function useExtensions() {
  const extensions = shallowRef<readonly Extension[]>(BUILT_IN);

  async function load(): Promise<void> {
    extensions.value = await extensionsApi.list().catch(() => extensions.value);
  }

  useFresh(load, ({ object }) => object.kind === "extension");
  return extensions;
}
