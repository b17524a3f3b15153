import { reactive, watch } from "vue";

import { texts } from "../texts";
import { session } from "./session";

// One short message at the foot of the page, also read out by screen readers. What went wrong stays until it is
// closed; `serial` tells one message from the next that says the same.
const state = reactive({ text: "", visible: false, failed: false, serial: 0 });

function say(text: string, failed: boolean): void {
  Object.assign(state, { text, failed, visible: true, serial: state.serial + 1 });
}

// Once somebody is signed in again, nobody is to be told that they have to.
watch(session.isOpen, (isOpen) => {
  if (isOpen && state.text === texts.failures.signedOut) state.visible = false;
});

export const notices = {
  state,
  show: (text: string): void => say(text, false),
  fail: (text: string): void => say(text, true),
};
