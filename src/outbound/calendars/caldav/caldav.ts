/**
 * A calendar at a CalDAV server, such as Apple's. An entry is a file that is named after its booking. It is made only
 * where nothing stands (If-None-Match), and changed only over the version that was read (If-Match). So nothing that its
 * owner writes meanwhile is lost.
 */

import { isId } from "#base/ids.ts"
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
import { eventsOfACall, maxEventBytes, readCalendarEvents, writeEntry } from "#outbound/calendars/reading/reading.ts"
import { type Dav, type DavAccount, davOf } from "./dav.ts"
import { locateCalendar } from "./discovery.ts"

/** @param url the address of the calendar, which ends with a slash */
export function calDavCalendar(url: string, account: DavAccount, access: CalendarAccess): CalendarProvider {
  const dav = davOf(account, access)
  return {
    put: (event, known) => put(dav, url, event, known),
    remove: (known) => remove(dav, known),
    changes: (token, versionOf) => changes(dav, url, token, versionOf),
    places: () => dav.places(url),
    locate: () => locateCalendar(url, account, access),
    read: async (remoteIds) => {
      const read: RemoteEvent[] = []
      for (let from = 0; from < remoteIds.length; from += eventsOfACall)
        read.push(...(await dav.read(url, remoteIds.slice(from, from + eventsOfACall))).map(bounded))
      return read
    },
    bookingAt: (remoteId) => {
      const name = new URL(remoteId).pathname.split("/").at(-1) ?? ""
      return name.endsWith(".ics") && isId(name.slice(0, -4)) ? name.slice(0, -4) : undefined
    },
  }
}

/** Another program may write the same entry at once; then its version is read again. */
const maxTries = 3

async function put(dav: Dav, url: string, event: CalendarEvent, known: EntryPlace | undefined): Promise<EntryPlace> {
  let address = known?.remoteId ?? new URL(`${event.uid}.ics`, url).href
  let present = known && (await dav.get(address))
  for (let tries = 1; tries <= maxTries; tries++) {
    if (present && (await saysTheSame(url, present, event))) return present
    if (present && present.ical.length > maxEventBytes)
      throw new EntryRefused(`What its owner put into the entry has more than ${maxEventBytes} bytes.`)
    const text = await writeEntry(url, { present: present?.ical, event })
    const answer = await (present ? dav.update(address, text, present.etag) : dav.create(address, text))
    const { status, headers } = answer
    // Also a 207 has failed: Xandikos answers a uid that stands elsewhere so, with a 412 inside.
    if (status === 200 || status === 201 || status === 204)
      return { remoteId: address, etag: headers.get("etag") ?? (await dav.get(address))?.etag ?? null }
    if (status === 403 && !refusesTheText.test(await answer.text())) throw mayNotWrite()
    const wasThere = present !== undefined
    present = await dav.get(address)
    if (present === undefined && !wasThere) {
      address = (await placeOf(dav, url, event.uid)) ?? address
      present = await dav.get(address)
    }
    if (present === undefined && !wasThere) throw new EntryRefused(`The server does not take the entry (${status}).`)
  }
  throw new EntryRefused(`The server did not take the entry in ${maxTries} tries.`)
}

const mayNotWrite = () =>
  new CalendarFailed("credentials_refused", "The server does not allow to write into the calendar (403).")

/** The preconditions of RFC 4791, 5.3.2.1: with them, another entry may be taken. */
const refusesTheText = /(?:supported-calendar|valid-calendar|no-uid-conflict|collection-location|max-|min-date)/

async function saysTheSame(url: string, { ical }: RemoteEvent, event: CalendarEvent): Promise<boolean> {
  const [read] = await readCalendarEvents(url, { texts: [ical], from: 0, until: 0, timezone: "Etc/UTC" })
  return read?.meaning === meaningOf(event)
}

/** Where an event of this uid stands, under whatever name. All events are read: it is asked after a conflict alone. */
async function placeOf(dav: Dav, url: string, uid: string): Promise<string | undefined> {
  const addresses = [...(await dav.places(url)).keys()]
  for (let from = 0; from < addresses.length; from += eventsOfACall) {
    const read = await dav.read(url, addresses.slice(from, from + eventsOfACall))
    const found = read.find(({ ical }) => ical.replaceAll(/\r?\n[ \t]/g, "").includes(`UID:${uid}`))
    if (found !== undefined) return found.remoteId
  }
  return undefined
}

async function remove(dav: Dav, { remoteId }: EntryPlace): Promise<void> {
  for (let tries = 1; tries <= maxTries; tries++) {
    const present = await dav.get(remoteId)
    if (present === undefined) return
    const { status } = await dav.delete(remoteId, present.etag)
    if (status === 404 || status === 410 || (status >= 200 && status < 300 && status !== 207)) return
    if (status === 403) throw mayNotWrite()
    if (status !== 412) throw new EntryRefused(`The server does not remove the entry (${status}).`)
  }
  throw new EntryRefused(`The entry changed ${maxTries} times while it was removed.`)
}

async function* changes(
  dav: Dav,
  url: string,
  token: string | null,
  versionOf: (remoteId: string) => string | undefined,
): AsyncGenerator<RemotePage, NextToken> {
  const { changed, removed, next } = await dav.changedSince(url, token)
  const isKnown = ([address, etag]: readonly [string, string | null]) => etag !== null && versionOf(address) === etag
  const unchanged = [...changed].filter(isKnown).map(([address]) => address)
  const toRead = [...changed].filter((each) => !isKnown(each)).map(([address]) => address)
  yield { events: [], unchanged, removed }
  for (let from = 0; from < toRead.length; from += eventsOfACall) {
    const asked = toRead.slice(from, from + eventsOfACall)
    const read = await dav.read(url, asked)
    const found = new Set(read.map(({ remoteId }) => remoteId))
    yield { events: read.map(bounded), unchanged: [], removed: asked.filter((address) => !found.has(address)) }
  }
  return next
}

/** An event beyond the limit is handed on as none, so that it is reported. */
const bounded = (event: RemoteEvent): RemoteEvent =>
  event.ical.length <= maxEventBytes ? event : { ...event, ical: `The event has more than ${maxEventBytes} bytes.` }
