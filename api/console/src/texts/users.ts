import { isolate } from "./isolate";

// Users, and what one does about them.
export const users = {
  usersPage: {
    lead: "Who may sign in to this console, and what they may do.",
    invite: "Invite user",
    loading: "Loading users…",
    failed: "The users could not be loaded.",
    filters: "Search",
    search: "Search e-mail, name, ID",
    noneMatch: "No user matches.",
    clear: "Clear the search",
    pages: "Pages of users",
    inactive: "Deactivated",
    you: "That is you",
    since: "since",
    signedIn: "last signed in",
    neverSignedIn: "never signed in",
    role: "Role",
    roleHints: {
      owner: "Does everything, users included",
      member: "Does everything but change the account and its users",
      auditor: "Looks at everything but values and secrets, and changes nothing",
    },
  },

  userActions: {
    role: "Change role",
    password: "New password",
    activate: "Activate",
    deactivate: "Deactivate",
    remove: "Delete",
  },

  userDialogs: {
    role: {
      title: "Change role",
      text: "From this moment they may do what the role allows, and no more.",
      confirm: "Save",
      done: (email: string) => `The role of ${isolate(email)} was changed.`,
    },
    activate: {
      title: "Activate this user?",
      text: "They can sign in again, with the password that they had.",
      confirm: "Activate user",
      done: (email: string) => `${isolate(email)} can sign in again.`,
    },
    deactivate: {
      title: "Deactivate this user?",
      text: "They are signed out at once and cannot sign in any more. Their tokens stay as they are.",
      confirm: "Deactivate user",
      done: (email: string) => `${isolate(email)} was signed out and cannot sign in.`,
    },
    remove: {
      title: "Delete this user?",
      text:
        "They are signed out at once, and their name, e-mail address and password are forgotten everywhere, also in the " +
        "log. Their tokens stay and keep working. This cannot be undone.",
      confirm: "Delete user",
      done: (email: string) => `${isolate(email)} was deleted and forgotten.`,
    },
  },

  invitation: {
    title: "Invite user",
    doneTitle: "User invited",
    name: "Name",
    once: "Pass this password on; once you are done here, nobody can show it again. They can change it once they are signed in.",
    password: "Password",
    copy: "Copy the password",
    shownBefore:
      "They were invited already, with a password that was shown then. Where nobody has it, an owner can give them a new " +
      "one: New password in their menu.",
    confirm: "Invite user",
  },

  newPassword: {
    title: "Give a new password?",
    doneTitle: "New password given",
    text: "Their present password is refused from this moment, and they are signed out everywhere. Pass the new one on to them.",
    confirm: "Give a new password",
  },
};
