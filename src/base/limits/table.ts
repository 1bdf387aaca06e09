/**
 * The shares of callers and strangers, in one table, each with its reason. docs/limits.md shows the same numbers. A
 * rate is a bucket: `burst` at once, and one more every `everyMs`. The counts live in each process.
 */

export interface Rate {
  /** The name of the policy in the RateLimit headers. */
  readonly name: string
  readonly burst: number
  readonly everyMs: number
}

/** A bucket after a take. */
export interface Standing {
  readonly rate: Rate
  /** Takes that are left at once. */
  readonly left: number
  /** The time until the bucket is full again, milliseconds. */
  readonly fullInMs: number
  /** 0: the take was allowed. Otherwise the time until one more is allowed, milliseconds; nothing was taken. */
  readonly waitMs: number
}

export interface Turns {
  /** Work of all clients that runs at once. */
  readonly running: number
  readonly runningOfOne: number
  /** Work of all clients that waits for its turn. */
  readonly waiting: number
  readonly waitingOfOne: number
}

export const rates = {
  /**
   * Requests of one user or API key, whatever their tokens. A busy front desk makes ten a second. An import makes a
   * hundred. SLOTBASE_REQUESTS_PER_SECOND changes it.
   */
  caller: { name: "caller", burst: 1_000, everyMs: 10 },
  /** Requests without a token from one address: twenty a second. A club's visitors share the address of its WiFi. */
  stranger: { name: "stranger", burst: 400, everyMs: 50 },
  /** Requests of one address to /v1/integrations. A payment provider sends thousands of events when a month begins. */
  integration: { name: "integration", burst: 2_000, everyMs: 5 },
  /**
   * Tokens from one address that this process has not seen valid. A valid token gives its count back. After a restart
   * all tokens of an address are new at once.
   */
  newToken: { name: "new-token", burst: 500, everyMs: 50 },
  /** Sign-ins of one address, right or wrong. They count before the account is looked up. */
  signInBegun: { name: "sign-ins", burst: 100, everyMs: 500 },
  /**
   * Tries of one address at one account. An honest person mistypes less often than ten times. Later tries wait at most
   * ten seconds each, so a wrong guess costs and nobody is locked out.
   */
  signIn: { name: "sign-in", burst: 10, everyMs: 10_000 },
  /** Failed tries of one address at all accounts: a club's WiFi has many people, and each mistypes now and then. */
  signInOfAddress: { name: "sign-in-address", burst: 60, everyMs: 5_000 },
  /**
   * First tries at one account, from addresses that have not tried before. Each stranger's address can stand in the
   * way once.
   */
  firstSignIn: { name: "sign-in-account-first", burst: 30, everyMs: 5_000 },
  /** Further tries at one account, from all addresses that have tried before. */
  furtherSignIn: { name: "sign-in-account", burst: 20, everyMs: 10_000 },
  /** Registrations from one address: an open day of a club, and then six a minute. */
  registration: { name: "registration", burst: 100, everyMs: 10_000 },
  /** Registrations at one club from addresses that have registered nobody there before. */
  firstRegistration: { name: "registration-club-first", burst: 100, everyMs: 2_000 },
  /** Registrations at one club from all other addresses. */
  furtherRegistration: { name: "registration-club", burst: 200, everyMs: 10_000 },
  /**
   * Children that a parent adds or invites. A family has few. Each leaves rows, in the audit trail for two years.
   */
  childLink: { name: "child-link", burst: 40, everyMs: 60_000 },
  /** Mails with links, such as for a forgotten password, that one client asks for. */
  linkMail: { name: "link-mail", burst: 20, everyMs: 30_000 },
  /** To one address, from clients that have asked for none to it before. */
  firstLinkMail: { name: "link-mail-address-first", burst: 10, everyMs: 60_000 },
  /** To one address, from all other clients: a person asks again when a mail is slow. */
  furtherLinkMail: { name: "link-mail-address", burst: 5, everyMs: 600_000 },
  /** Codes by text message that one person asks for: each costs money, and a person asks again when a text is slow. */
  phoneCode: { name: "phone-code", burst: 3, everyMs: 600_000 },
  /** To one number, whoever asks. */
  phoneCodeOfNumber: { name: "phone-code-number", burst: 5, everyMs: 600_000 },
  /** Of all persons at one address, so that new accounts do not run up a bill. */
  phoneCodeOfAddress: { name: "phone-code-address", burst: 20, everyMs: 60_000 },
  /** Tests and previews of the webhooks of one facility: a person tries, reads and tries again. */
  webhookTest: { name: "webhook-test", burst: 30, everyMs: 2_000 },
  /** Changes and previews of the words of one facility's messages. Each starts a task in a child process. */
  wordsTried: { name: "message-words", burst: 30, everyMs: 2_000 },
  /** Readings of one calendar feed: a calendar program asks four times an hour, and several read the same feed. */
  calendarFeed: { name: "calendar-feed", burst: 20, everyMs: 15_000 },
  /** Wrong check-in codes of one person at one booking. Six digits withstand 480 guesses a day. */
  checkInCode: { name: "check-in-code", burst: 5, everyMs: 180_000 },
} as const satisfies Record<string, Rate>

/**
 * A rate as SLOTBASE_REQUESTS_PER_SECOND changes it, in proportion to the rate of a caller. These are the rates of
 * strangers, integrations and new tokens, of sign-ins begun, of registrations, of mails with links, and of codes by
 * text.
 */
export function scaled(rate: Rate, requestsPerSecond: number): Rate {
  const factor = (requestsPerSecond * rates.caller.everyMs) / 1_000
  const burst = Math.max(1, Math.round(rate.burst * factor))
  return factor === 1 ? rate : { ...rate, burst, everyMs: rate.everyMs / factor }
}

export const turns = {
  /**
   * Password hashes, by address, in turns. Two at once need 38 MiB and leave the event loop its share of two cores. One
   * address has one of the two, so the other is free for the next address. The waiting are eight seconds of work, those
   * of one address two.
   */
  passwordHash: { running: 2, runningOfOne: 1, waiting: 512, waitingOfOne: 64 },
  /**
   * Tasks in child processes, by facility. Two children leave the event loop and the database their share of two cores.
   * One facility has one of the two.
   */
  childTask: { running: 2, runningOfOne: 1, waiting: 128, waitingOfOne: 31 },
  /**
   * Templates of webhooks in child processes, by facility. A facility sends at most 64 requests at once, and each waits
   * for its body.
   */
  template: { running: 2, runningOfOne: 1, waiting: 256, waitingOfOne: 80 },
  /**
   * Facilities' own words of messages in child processes, by facility. They are apart from the templates of webhooks,
   * which may take a second each: messages are written in a transaction.
   */
  words: { running: 2, runningOfOne: 1, waiting: 64, waitingOfOne: 8 },
  /** Forms of photos in child processes, by facility. One at a time: nobody waits for them at a screen. */
  photo: { running: 1, runningOfOne: 1, waiting: 64, waitingOfOne: 8 },
  /**
   * Events of calendars outside, read in child processes, by calendar. They are apart from uploads and templates:
   * nobody waits for a calendar.
   */
  calendars: { running: 2, runningOfOne: 1, waiting: 64, waitingOfOne: 16 },
  /** Uploads under way, by user. Each keeps a connection, a file and a part of the disk's speed. None waits. */
  upload: { running: 64, runningOfOne: 4, waiting: 0, waitingOfOne: 0 },
} as const satisfies Record<string, Turns>

/**
 * Keys that a rate remembers, 200 bytes each. A key without debt is forgotten at no loss. Of more keys, those with the
 * least debt are forgotten.
 */
export const keysOfRate = 20_000

/** Valid tokens that a process remembers, so that their requests are counted on their user before any work. */
export const rememberedTokens = 20_000
