import type { Token } from "./api/tokens";
import { texts } from "./texts";

// What people call a token's type: of the account's own ones, their own name.
export function typeName({ extension }: Pick<Token, "extension">): string {
  return extension.name === "custom" || extension.name === "zapier" ? texts.types[extension.name].name : extension.name;
}
