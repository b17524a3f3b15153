// A name inside a sentence, whichever way it is written (U+2068 and U+2069 keep it apart).
export const isolate = (name: string) => `\u2068${name}\u2069`;
