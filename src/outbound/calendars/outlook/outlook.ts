/**
 * A calendar of Outlook, by Microsoft Graph. An entry has the id of its booking in a property of its own, by which it
 * is found again. It is made with a transaction id that follows from the booking, so a repetition makes no second one.
 * It is changed in place over the version that was read, so what its owner added stays.
 */
import { createHash } from "node:crypto"
import type { CalendarServiceConfig } from "#base/calendar-services.ts"
import type { CalendarAccess } from "#outbound/calendars/ask.ts"
import { type CalendarEvent, meaningOf } from "#outbound/calendars/calendar-event.ts"
import { type CalendarProvider, type EntryPlace, EntryRefused, type RemoteEvent } from "#outbound/calendars/provider.ts"
import { readCalendarEvents } from "#outbound/calendars/reading/reading.ts"
import { outlookChanges } from "./changes.ts"
import { bookingOf, bookingProperty, descriptionProperty, type GraphEvent, outlookText } from "./event-text.ts"
import { etagOf, eventsOf, remoteOf } from "./events.ts"
import { type OutlookAccount, type OutlookApi, outlookApi } from "./outlook-api.ts"
import { outlookWatch } from "./subscriptions.ts"

export function outlookCalendar(
  config: CalendarServiceConfig,
  account: OutlookAccount,
  access: CalendarAccess,
): CalendarProvider {
  const api = outlookApi(config, account, access)
  /** The bookings of the entries that were listed. */
  const listed = new Map<string, string>()
  return {
    put: (event, known) => put(api, account.calendarId, event, known),
    remove: ({ remoteId }) => remove(api, remoteId),
    changes: (token, versionOf) => outlookChanges(api, access.now(), token, versionOf),
    async places() {
      const found = new Map<string, string | null>()
      for await (const event of eventsOf(api.own(new Date(access.now()).toISOString()))) {
        found.set(event.id, etagOf(event))
        const bookingId = bookingOf(event)
        if (bookingId !== undefined) listed.set(event.id, bookingId)
      }
      return found
    },
    async read(remoteIds) {
      const read: RemoteEvent[] = []
      for (const id of remoteIds) {
        const event = await api.get(id)
        if (event) read.push(remoteOf(event))
      }
      return read
    },
    bookingAt: (remoteId) => listed.get(remoteId),
    watch: outlookWatch(api, config.apiBase, account.calendarId, access.now),
  }
}

/** Another program may write the same entry at once; then its version is read again. */
const maxTries = 4

async function put(
  api: OutlookApi,
  calendarId: string,
  event: CalendarEvent,
  known: EntryPlace | undefined,
): Promise<EntryPlace> {
  let present = known && (await api.get(known.remoteId))
  // The invitation of a mail is its sender's, who alone changes it. It is enough while it says the same.
  if (present && bookingOf(present) !== event.uid && !(await saysThis(present, event))) present = undefined
  for (let tries = 1; tries <= maxTries; tries++) {
    present ??= await ownOf(api, event.uid)
    if (present && (await saysThis(present, event))) return placeOf(present)
    const written = present
      ? await api.patch(present.id, changesOf(present, event), etagOf(present))
      : await api.insert({
          ...bodyOf(event),
          ...descriptionIn(event),
          transactionId: transactionOf([event.uid, calendarId, known?.remoteId ?? "", String(tries)]),
        })
    // Graph answers a repeated transaction with the event that stands, whose words may be older.
    if ("event" in written) present = { ...written.event, ...propertiesOf(event) }
    else present = present && written.refused === "changed" ? await api.get(present.id) : undefined
  }
  if (present && (await saysThis(present, event))) return placeOf(present)
  throw new EntryRefused(`The entry does not say what was written, in ${maxTries} tries.`)
}

const placeOf = (event: GraphEvent): EntryPlace => ({ remoteId: event.id, etag: etagOf(event) })

async function ownOf(api: OutlookApi, bookingId: string): Promise<GraphEvent | undefined> {
  for await (const event of eventsOf(api.own(undefined, bookingId))) return event
  return undefined
}

async function remove(api: OutlookApi, remoteId: string): Promise<void> {
  const present = await api.get(remoteId)
  // The mail that cancels an invitation takes it away. Deleting it here would decline it.
  if (present && bookingOf(present) !== undefined) await api.remove(remoteId)
}

async function saysThis(present: GraphEvent, event: CalendarEvent): Promise<boolean> {
  if (present.isCancelled || present.recurrence || present.isAllDay || present.showAs === "free") return false
  const texts = [outlookText(present)]
  const [read] = await readCalendarEvents("outlook", { texts, from: 0, until: 0, timezone: "Etc/UTC" })
  return read?.meaning === meaningOf(event)
}

const bodyOf = (event: CalendarEvent) => ({
  subject: event.title,
  location: { displayName: event.location },
  start: { dateTime: event.startAt.replace("Z", ""), timeZone: "UTC" },
  end: { dateTime: event.endAt.replace("Z", ""), timeZone: "UTC" },
  isAllDay: false,
  showAs: "busy",
  ...propertiesOf(event),
})

const propertiesOf = ({ uid, description }: CalendarEvent) => ({
  singleValueExtendedProperties: [
    { id: bookingProperty, value: uid },
    { id: descriptionProperty, value: description },
  ],
})

const descriptionIn = ({ description }: CalendarEvent) => ({ body: { contentType: "text", content: description } })

/** The body is written only where it differs: the link of a meeting stands in it too. */
const changesOf = (present: GraphEvent, event: CalendarEvent) => ({
  ...bodyOf(event),
  ...(present.recurrence && { recurrence: null }),
  ...(!(present.body?.content ?? "").includes(event.description.trim()) && descriptionIn(event)),
})

/** In the form of a UUID, as in Microsoft's examples. */
const transactionOf = (parts: readonly string[]) =>
  createHash("sha256")
    .update(JSON.stringify(parts))
    .digest("hex")
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5")
