/**
 * What a provider of calendars can do, and how it fails. Each provider is made for one calendar with its credentials.
 * It asks through the one guard of outgoing requests, and never sends a request twice by itself.
 */
import type { CalendarEvent } from "./calendar-event.ts"

/** Where an entry stands in the calendar, and its version there; null: the server names no version. */
export interface EntryPlace {
  readonly remoteId: string
  readonly etag: string | null
}

/** An event of the calendar. */
export interface RemoteEvent extends EntryPlace {
  /** The whole event as iCalendar (RFC 5545), with its exceptions. */
  readonly ical: string
}

/** A part of what has changed since a token. */
export interface RemotePage {
  readonly events: readonly RemoteEvent[]
  /** What was seen and has the version that is known. */
  readonly unchanged: readonly string[]
  readonly removed: readonly string[]
}

/** How to go on from here; undefined: the provider names nothing, and the next pull reads all. */
export type NextToken = string | undefined

export interface CalendarProvider {
  /**
   * Makes or changes the entry of a booking, in place. A repetition changes nothing. An entry of the same uid that
   * stands there already is adopted. Words and alarms that its owner added stay.
   */
  readonly put: (event: CalendarEvent, known: EntryPlace | undefined) => Promise<EntryPlace>
  /** Removes an entry. One that is gone already is removed. */
  readonly remove: (known: EntryPlace) => Promise<void>
  /**
   * What has changed since the token; without one, all that there is. The generator returns the next token.
   * @param versionOf the version that is known of an event; undefined: it must be read
   * @throws TokenExpired
   */
  readonly changes: (
    token: string | null,
    versionOf: (remoteId: string) => string | undefined,
  ) => AsyncGenerator<RemotePage, NextToken>
  /** What stands in the calendar now, with the versions. */
  readonly places: () => Promise<ReadonlyMap<string, string | null>>
  /** Some events. What is gone is left out. */
  readonly read: (remoteIds: readonly string[]) => Promise<readonly RemoteEvent[]>
  /** The booking whose entry was made at this place; undefined: the name of the place says nothing. */
  readonly bookingAt: (remoteId: string) => string | undefined
  /** The address of the calendar, when the given one is that of an account with a single one; else undefined. */
  readonly locate?: () => Promise<string | undefined>
  /** Undefined: the provider notifies nobody. */
  readonly watch?: CalendarWatch
}

/** A channel to open: where it notifies, and the secret that each notification brings. */
export interface ChannelToOpen {
  readonly id: string
  readonly address: string
  readonly secret: string
}

export interface OpenChannel {
  /** Its name at the provider. */
  readonly remoteId: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** How a provider is asked to say that a calendar has changed. A notification is a hint: the changes are pulled. */
export interface CalendarWatch {
  readonly open: (channel: ChannelToOpen) => Promise<OpenChannel>
  /** Undefined: it is gone, or the provider renews none. Then another one is opened. */
  readonly renew: (remoteId: string) => Promise<OpenChannel | undefined>
  /** One that is gone already is stopped. */
  readonly stop: (channel: { readonly id: string; readonly remoteId: string }) => Promise<void>
}

/** Why a calendar fails. */
export const calendarFailures = [
  "credentials_refused",
  "calendar_gone",
  "unreachable",
  "program_refused",
  "refused",
  "not_understood",
  "throttled",
] as const
export type CalendarFailureCode = (typeof calendarFailures)[number]

/** The calendar as a whole fails. Trying again may help, or its owner must do something. */
export class CalendarFailed extends Error {
  readonly _tag = "CalendarFailed"
  constructor(
    readonly code: CalendarFailureCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** The server refuses one entry, and takes others. */
export class EntryRefused extends Error {
  readonly _tag = "EntryRefused"
}

/** The server asks for a pause, milliseconds: for all that this program asks of it, or for this calendar alone. */
export class Throttled extends Error {
  readonly _tag = "Throttled"
  constructor(
    readonly retryAfterMs: number,
    message: string,
    readonly scope: "host" | "calendar" = "host",
  ) {
    super(message)
  }
}

/** The changes since this token are no longer known: everything is read anew, and compared. */
export class TokenExpired extends Error {
  readonly _tag = "TokenExpired"
}
