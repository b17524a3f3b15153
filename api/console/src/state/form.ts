import { reactive, ref } from "vue";

import { Failure } from "../api/errors";
import { type FormErrors, formErrors, noErrors } from "../failures";

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

  // Sends unless something is wrong already or on its way; tells whether that succeeded.
  async function submit(send: () => Promise<void>, wrong: Record<string, string> = {}): Promise<boolean> {
    if (busy.value) return false;
    reset();
    errors.fields = wrong;
    if (Object.keys(wrong).length > 0) return false;
    busy.value = true;
    try {
      await send();
      return true;
    } catch (error) {
      failed.value = error instanceof Failure ? error.kind : "broken";
      Object.assign(errors, formErrors(error, fields));
      return false;
    } finally {
      busy.value = false;
    }
  }

  return { errors, busy, failed, reset, submit };
}
