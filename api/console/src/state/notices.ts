import { reactive } from "vue";

// One short message at the foot of the page, also read out by screen readers.
const state = reactive({ text: "", visible: false });

export const notices = {
  state,
  show(text: string): void {
    state.text = text;
    state.visible = true;
  },
};
