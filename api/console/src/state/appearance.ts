import { ref, watch } from "vue";

export type Appearance = "system" | "light" | "dark";

const STORAGE_KEY = "mintmark.appearance";
const darkSystem = window.matchMedia("(prefers-color-scheme: dark)");

function remembered(): Appearance {
  try {
    const value = localStorage.getItem(STORAGE_KEY);
    return value === "light" || value === "dark" ? value : "system";
  } catch {
    return "system";
  }
}

function remember(value: Appearance): void {
  try {
    if (value === "system") localStorage.removeItem(STORAGE_KEY);
    else localStorage.setItem(STORAGE_KEY, value);
  } catch {
    // A browser that stores nothing asks the system anew each time.
  }
}

export const appearance = ref<Appearance>(remembered());

function apply(): void {
  const dark = appearance.value === "dark" || (appearance.value === "system" && darkSystem.matches);
  document.documentElement.classList.toggle("dark", dark);
}

darkSystem.addEventListener("change", apply);
watch(appearance, (value) => {
  remember(value);
  apply();
});
apply();
