import { type Ref, ref } from "vue";

import { useLatest } from "./latest";

// What is there now, as fields of a form, and its version.
export interface Versioned<Fields> {
  fields: Fields;
  version: string | null;
}

type Read<Fields> = () => Promise<Versioned<Fields>>;

// What was typed, and of the rest what is there now.
function merge<Fields extends object>(typed: Fields, began: Fields, now: Fields): Fields {
  const merged = { ...now };
  for (const name of Object.keys(now) as (keyof Fields)[]) {
    if (typed[name] !== began[name]) merged[name] = typed[name];
  }
  return merged;
}

// The fields of a form that changes what others may change too. They begin with what the page shows, which may be old;
// what is read then takes the place of all that was not typed yet. So nothing older is sent with the version that was
// read, and changes of others since are refused instead of lost unseen.
export function useEdited<Fields extends object>(empty: Fields) {
  const fields = ref(empty) as Ref<Fields>;
  const latest = useLatest();
  let began = empty;
  let version: string | null = null;
  let reading: Promise<void> = Promise.resolve();

  async function take(read: Read<Fields>, replace: boolean): Promise<void> {
    const isLatest = latest();
    try {
      const now = await read();
      if (!isLatest()) return;
      fields.value = replace ? { ...now.fields } : merge(fields.value, began, now.fields);
      began = now.fields;
      version = now.version;
    } catch (error) {
      if (isLatest()) throw error;
    }
  }

  // Throws what reading throws, unless it was begun anew meanwhile. With `replace`, what was typed is lost.
  function load(read: Read<Fields>, replace: boolean): Promise<void> {
    const taken = take(read, replace);
    reading = taken.catch(() => {});
    return taken;
  }

  return {
    fields,
    load,

    // Of what was begun before, nothing comes any more.
    begin(shown: Fields): void {
      latest();
      began = shown;
      version = null;
      reading = Promise.resolve();
      fields.value = { ...shown };
    },

    // The version that the fields are of, once it was read; it is read anew where that failed.
    async versionOf(read: Read<Fields>): Promise<string | null> {
      await reading;
      if (version === null) await load(read, false);
      return version;
    },
  };
}
