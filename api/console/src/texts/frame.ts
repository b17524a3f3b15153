// The frame of every page, who is signed in, and what goes wrong everywhere.
export const frame = {
  product: "Mintmark",
  skipToContent: "Skip to content",
  navigation: "Main",
  menu: "Open navigation",
  overlays: "Menus and dialogs",
  general: "General",
  tokens: "Tokens",
  webhooks: "Webhooks",
  deliveriesTitle: "Deliveries",
  activityTitle: "Activity",
  usersTitle: "Users",

  theme: {
    label: "Appearance",
    light: "Light",
    dark: "Dark",
    system: "As the system",
  },

  account: {
    label: "Your account",
    signOut: "Sign out",
    password: "Change password",
    sessions: "Where you are signed in",
    roles: { owner: "Owner", member: "Member", auditor: "Auditor" },
  },

  common: {
    cancel: "Cancel",
    close: "Close",
    save: "Save",
    retry: "Try again",
    copy: "Copy",
    copied: "Copied.",
    copyFailed: "Your browser did not allow copying. Select the text and copy it by hand.",
    optional: "Optional",
    handleSearched: "A handle is a secret and is not searched for. Search by label or ID.",
    loadPresent: "Load what is there now",
  },

  secret: {
    show: "Show the value",
    hide: "Hide the value",
    hidden: "Hidden",
    hides: "It hides again after half a minute. The eye shows it again.",
  },

  connection: {
    lost: "Mintmark cannot be reached. Trying again until it answers…",
    retry: "Try now",
    back: "Mintmark is reachable again.",
  },

  starting: {
    slow: "Waiting for Mintmark to answer…",
    again: "This page keeps trying until it works.",
  },

  failures: {
    unreachable: "Mintmark did not answer. Nothing on this page is lost: check the connection and try again.",
    signedOut: "Your session has ended. Sign in again.",
    invalid: "Mintmark did not accept this. Check what you entered and try again.",
    forbidden: "Your role does not allow this. Ask an owner of the account.",
    notFound: "This no longer exists. Somebody may have deleted it.",
    changed: "Somebody else changed this in the meantime, so nothing was done. Load what is there now, then try again.",
    conflict: "Somebody changed this at the same moment. Try again.",
    throttled: "Too much was asked of Mintmark in a short time. Wait a little, then try again.",
    throttledFor: (wait: string) => `Too much was asked of Mintmark in a short time. Try again in ${wait}.`,
    busy: "Mintmark is too busy right now. Try again in a moment.",
    full: "Mintmark is short of disk space and takes nothing new. Tell whoever runs this server; disabling and deleting still work.",
    unknownOutcome: "Mintmark could not confirm that this was saved. Try again: it will not be done twice.",
    broken: "Something went wrong inside Mintmark. Try again; if it stays so, tell whoever runs this server.",
  },

  signIn: {
    title: "Sign in",
    lead: "Issue API tokens, see who holds them, take them back.",
    email: "E-mail",
    password: "Password",
    showPassword: "Show password",
    hidePassword: "Hide password",
    submit: "Sign in",
    wrong: "This e-mail address and password do not belong together. Check both and try again.",
    ended: "Your session has ended. Sign in to go on where you were; nothing that you typed is lost.",
    again: "Sign in again",
    somebodyElse: "Sign in as somebody else",
    emailMissing: "Enter your e-mail address.",
    passwordMissing: "Enter your password.",
  },

  password: {
    title: "Change password",
    lead: "You stay signed in here; everywhere else you are signed out.",
    current: "Present password",
    wanted: "New password",
    again: "New password again",
    currentMissing: "Enter your present password.",
    tooShort: (characters: number) => `At least ${characters} characters.`,
    different: "This is not the same as the new password above.",
    confirm: "Change password",
    done: "Your password was changed.",
  },

  sessions: {
    title: "Where you are signed in",
    lead: "End what you do not recognise, then change your password.",
    loading: "Loading…",
    since: "Since",
    from: "from",
    current: "This browser",
    end: "End",
    endOf: (address: string) => `End the session from ${address}`,
    ended: "That session was ended.",
  },
};
