/**
 * Reads events of calendars outside. They are strangers' texts, so a child process reads them, which is killed at its
 * limits of time and memory. Many events are one call.
 */
import { join } from "node:path"
import { type BoundedTask, ChildPool, NotDone, poolLimits } from "#base/bounded/run-bounded.ts"
import { turns } from "#base/limits/table.ts"
import type { Span } from "#base/local-days.ts"

export interface EventsToRead {
  /** As iCalendar. */
  readonly texts: readonly string[]
  /** Occurrences are wanted of this time, milliseconds. */
  readonly from: number
  readonly until: number
  /** The zone of days, and of times without a zone. */
  readonly timezone: string
}

/** An event that was read. */
export interface ReadCalendarEvent {
  readonly uid: string
  /** Of a single event; null: of a series, or of one that could not be read. */
  readonly meaning: string | null
  /** When it makes busy, within the wanted time, milliseconds. */
  readonly busy: readonly Span[]
  readonly recurs: boolean
  /** Why it could not be read whole; it makes nobody busy then. Null: it was read. */
  readonly fault: string | null
}

/** An entry to write: over the one that stands there, or anew. */
export interface EntryToWrite {
  readonly present: string | undefined
  readonly event: {
    readonly uid: string
    readonly startAt: string
    readonly endAt: string
    readonly title: string
    readonly description: string
    readonly location: string
    readonly changedAt: string
  }
}

/** Events of one call. Larger calls keep others waiting. */
export const eventsOfACall = 100
/** Bytes of one event. Attachments make an event large, and nothing of them is read. */
export const maxEventBytes = 512 * 1024

/** Each event, in its order. @throws NotDone */
export async function readCalendarEvents(owner: string, asked: EventsToRead): Promise<readonly ReadCalendarEvent[]> {
  if (asked.texts.length === 0) return []
  try {
    return await calendarPool().run(readTask, asked, owner)
  } catch (error) {
    if (!(error instanceof NotDone) || !blames.includes(error.reason)) throw error
    if (asked.texts.length === 1) return [unreadable(error.reason)]
    // One of them ends its reader: each is read alone.
    const read: ReadCalendarEvent[] = []
    for (const text of asked.texts) read.push(...(await readCalendarEvents(owner, { ...asked, texts: [text] })))
    return read
  }
}

/** The text of an entry. @throws NotDone */
export const writeEntry = (owner: string, entry: EntryToWrite): Promise<string> =>
  calendarPool().run(writeTask, entry, owner)

let pool: ChildPool | undefined
const calendarPool = () =>
  (pool ??= new ChildPool({
    ...poolLimits,
    turns: turns.calendars,
    memoryBytes: childMemoryBytes,
    tasksOfOneChild: 500,
  }))

/** A child with the parser and the zones holds 80 MB; a call has at most 100 events. */
const childMemoryBytes = 384 * 1024 * 1024

const blames: readonly NotDone["reason"][] = ["time", "memory", "crash"]
const unreadable = (reason: string): ReadCalendarEvent => ({
  uid: "",
  meaning: null,
  busy: [],
  recurs: false,
  fault: `The event ends the process that reads it (${reason}).`,
})

const readTask: BoundedTask<EventsToRead, readonly ReadCalendarEvent[]> = {
  module: join(import.meta.dir, "tasks/read-events.ts"),
  timeMs: 10_000,
  decode: (answer) => {
    if (!Array.isArray(answer)) throw new Error("another form")
    return answer.map(readEventIn)
  },
}

const writeTask: BoundedTask<EntryToWrite, string> = {
  module: join(import.meta.dir, "tasks/write-entry.ts"),
  timeMs: 5_000,
  decode: (answer) => {
    if (typeof answer !== "string") throw new Error("another form")
    return answer
  },
}

function readEventIn(value: unknown): ReadCalendarEvent {
  const { uid, meaning, busy, recurs, fault } = value as Partial<Record<keyof ReadCalendarEvent, unknown>>
  if (typeof uid !== "string" || typeof recurs !== "boolean" || !Array.isArray(busy)) throw new Error("another form")
  return { uid, meaning: textOrNull(meaning), busy: busy.map(spanIn), recurs, fault: textOrNull(fault) }
}

function spanIn(value: unknown): Span {
  const { start, end } = value as Partial<Record<keyof Span, unknown>>
  if (!Number.isFinite(start) || !Number.isFinite(end) || Number(end) <= Number(start)) throw new Error("another form")
  return { start: Number(start), end: Number(end) }
}

function textOrNull(value: unknown): string | null {
  if (value === null || typeof value === "string") return value
  throw new Error("another form")
}
