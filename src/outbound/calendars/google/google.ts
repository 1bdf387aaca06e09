/**
 * A calendar at Google. The id of an entry follows from its booking, so an entry that is made twice is refused, and
 * adopted. An entry is changed by PATCH over the version that was read, so what its owner added stays.
 */
import type { CalendarServiceConfig } from "#base/calendar-services.ts"
import type { CalendarAccess } from "#outbound/calendars/ask.ts"
import { type CalendarEvent, meaningOf } from "#outbound/calendars/calendar-event.ts"
import {
  CalendarFailed,
  type CalendarProvider,
  type EntryPlace,
  EntryRefused,
  type NextToken,
  type RemoteEvent,
  type RemotePage,
} from "#outbound/calendars/provider.ts"
import { readCalendarEvents } from "#outbound/calendars/reading/reading.ts"
import { bookingOfGoogleId, type GoogleEvent, googleIdOf, googleText } from "./event-text.ts"
import { type GoogleApi, googleApi } from "./google-api.ts"

export function googleCalendar(
  config: CalendarServiceConfig,
  calendar: { readonly calendarId: string; readonly refreshToken: string },
  access: CalendarAccess,
): CalendarProvider {
  const api = googleApi(config, calendar, access)
  return {
    put: (event, known) => put(api, event, known),
    remove: ({ remoteId }) => api.remove(remoteId),
    changes: (token, versionOf) => changes(api, token, versionOf),
    async places() {
      const found = new Map<string, string | null>()
      for await (const items of pagesOf(api, {}))
        for (const { id, etag = null, recurringEventId } of items) if (!recurringEventId) found.set(id, etag)
      return found
    },
    async read(remoteIds) {
      const read: RemoteEvent[] = []
      for (const id of remoteIds) {
        const event = await api.get(id)
        if (event && event.status !== "cancelled") read.push(remoteOf(event))
      }
      return read
    },
    bookingAt: bookingOfGoogleId,
    watch: api.watch,
  }
}

/** Another program may write the same entry at once; then its version is read again. */
const maxTries = 3

async function put(api: GoogleApi, event: CalendarEvent, known: EntryPlace | undefined): Promise<EntryPlace> {
  let id = known?.remoteId ?? googleIdOf(event.uid)
  const body = bodyOf(event)
  for (let tries = 1; tries <= maxTries; tries++) {
    let present = await api.get(id)
    // An event that was adopted, such as the invitation of a mail, has another id. When it is gone, the own one comes.
    if (id !== googleIdOf(event.uid) && (!present || present.status === "cancelled")) {
      id = googleIdOf(event.uid)
      present = await api.get(id)
    }
    if (present && (await saysThis(present, event))) return { remoteId: id, etag: present.etag ?? null }
    // A deleted event keeps its id, and comes back by a change.
    const written = present ? await api.patch(id, body, present.etag ?? null) : await api.insert({ id, ...body })
    if (written) return { remoteId: id, etag: written.etag ?? null }
  }
  throw new EntryRefused(`The entry changed ${maxTries} times while it was written.`)
}

async function saysThis(present: GoogleEvent, event: CalendarEvent): Promise<boolean> {
  if (present.status === "cancelled" || present.recurrence) return false
  const texts = [googleText(present)]
  const [read] = await readCalendarEvents("google", { texts, from: 0, until: 0, timezone: "Etc/UTC" })
  return read?.meaning === meaningOf(event)
}

const bodyOf = ({ uid, startAt, endAt, title, description, location }: CalendarEvent) => ({
  status: "confirmed",
  summary: title,
  description,
  location,
  start: { dateTime: startAt, date: null, timeZone: "UTC" },
  end: { dateTime: endAt, date: null, timeZone: "UTC" },
  transparency: "opaque",
  recurrence: null,
  extendedProperties: { private: { slotbaseBookingId: uid } },
})

async function* changes(
  api: GoogleApi,
  token: string | null,
  versionOf: (remoteId: string) => string | undefined,
): AsyncGenerator<RemotePage, NextToken> {
  // Google forbids other filters beside a sync token, and wants the same ones with each.
  const query: Record<string, string> = token === null ? {} : { syncToken: token }
  const series = new Map<string, { master: GoogleEvent | undefined; exceptions: GoogleEvent[] }>()
  const seriesOf = (id: string) => {
    const found = series.get(id) ?? { master: undefined, exceptions: [] }
    series.set(id, found)
    return found
  }
  let next: string | undefined
  for await (const items of pagesOf(api, { showDeleted: "true", ...query }, (last) => {
    next = last
  })) {
    const singles = items.filter((each) => !each.recurringEventId && !each.recurrence)
    for (const each of items) {
      if (each.recurringEventId) seriesOf(each.recurringEventId).exceptions.push(each)
      else if (each.recurrence && each.status !== "cancelled") seriesOf(each.id).master = each
    }
    const there = singles.filter(({ status }) => status !== "cancelled")
    const isKnown = ({ id, etag }: GoogleEvent) => etag !== undefined && versionOf(id) === etag
    yield {
      events: there.filter((each) => !isKnown(each)).map((each) => remoteOf(each)),
      unchanged: there.filter(isKnown).map(({ id }) => id),
      removed: items.filter((each) => each.status === "cancelled" && !each.recurringEventId).map(({ id }) => id),
    }
  }
  for (const [id, { master, exceptions }] of series) {
    const whole = token === null ? master && remoteOf(master, exceptions) : await wholeSeries(api, id)
    // Who is invited to single occurrences has them alone, without their series.
    const alone = whole ? [] : exceptions
    yield {
      events: whole ? [whole] : alone.filter(({ status }) => status !== "cancelled").map((each) => remoteOf(each)),
      unchanged: [],
      removed: alone.filter(({ status }) => status === "cancelled").map((each) => each.id),
    }
  }
  return next
}

/** A series with all of its exceptions: a change names only what has changed. */
async function wholeSeries(api: GoogleApi, id: string): Promise<RemoteEvent | undefined> {
  const master = await api.get(id)
  if (!master || master.status === "cancelled") return undefined
  const exceptions: GoogleEvent[] = []
  for await (const items of pagesOf(api, { iCalUID: master.iCalUID ?? id, showDeleted: "true" }))
    exceptions.push(...items.filter(({ recurringEventId }) => recurringEventId === id))
  return remoteOf(master, exceptions)
}

/** Of 2,500 events each. */
const maxPages = 1_000

/** All pages. Only the last one names the token with which to go on. */
async function* pagesOf(
  api: GoogleApi,
  query: Readonly<Record<string, string>>,
  onToken: (token: string | undefined) => void = () => {},
): AsyncGenerator<readonly GoogleEvent[]> {
  let pageToken: string | undefined
  let pages = 0
  do {
    if (++pages > maxPages) throw new CalendarFailed("not_understood", "Google's list of events has no end.")
    const page = await api.page({ ...query, ...(pageToken !== undefined && { pageToken }) })
    yield page.items ?? []
    pageToken = page.nextPageToken
    if (pageToken === undefined) onToken(page.nextSyncToken)
  } while (pageToken !== undefined)
}

const remoteOf = (event: GoogleEvent, exceptions: readonly GoogleEvent[] = []): RemoteEvent => ({
  remoteId: event.id,
  etag: event.etag ?? null,
  ical: googleText(event, exceptions),
})
