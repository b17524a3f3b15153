import { nextTick, reactive, ref, watch } from "vue";

import { Failure } from "../api/errors";
import { type FormErrors, formErrors, noErrors } from "../failures";
import { texts } from "../texts";
import { session } from "./session";

// Into the first field of a form that is said to be wrong, once that shows.
export async function focusFirstInvalid(form: Element | null | undefined): Promise<void> {
  await nextTick();
  form?.querySelector<HTMLElement>("[aria-invalid=true], [data-invalid=true] input")?.focus();
}

// What a form that sends something has: its errors, and whether it is sending. `fields` are those that it shows
// messages at, as the API names them.
export function useForm(fields: readonly string[] = []) {
  const errors = reactive<FormErrors>({ ...noErrors });
  const busy = ref(false);
  // The last failure's kind, for what a form offers to do about it.
  const failed = ref<Failure["kind"] | null>(null);

  function reset(): void {
    Object.assign(errors, noErrors);
    failed.value = null;
  }

  // Once somebody is signed in again, nobody is to be told that they have to.
  watch(session.isOpen, (isOpen) => {
    if (isOpen && errors.message === texts.failures.signedOut) reset();
  });

  // Sends unless something is wrong already or on its way; tells whether that succeeded.
  async function submit(send: () => Promise<void>, wrong: Record<string, string> = {}): Promise<boolean> {
    if (busy.value) return false;
    const form = document.activeElement?.closest("form");
    reset();
    errors.fields = wrong;
    if (Object.keys(wrong).length > 0) {
      void focusFirstInvalid(form);
      return false;
    }
    busy.value = true;
    try {
      await send();
      return true;
    } catch (error) {
      failed.value = error instanceof Failure ? error.kind : "broken";
      Object.assign(errors, formErrors(error, fields));
      void focusFirstInvalid(form);
      return false;
    } finally {
      busy.value = false;
    }
  }

  return { errors, busy, failed, reset, submit };
}
