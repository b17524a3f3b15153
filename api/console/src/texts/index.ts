import { activity } from "./activity";
import { frame } from "./frame";
import { general } from "./general";
import { tokens } from "./tokens";
import { users } from "./users";
import { webhooks } from "./webhooks";

// Every English text of the console, a file for each part of it. Another language is another object of this shape.
export const texts = {
  ...frame,
  ...general,
  ...tokens,
  ...webhooks,
  ...activity,
  ...users,
};
