/**
 * The text of a calendar feed (RFC 5545, with the names of RFC 7986). The same bookings give the same text to the byte,
 * so a hash of the text tells whether something has changed. Pure.
 */
import { icalFile, icalText, producerLine } from "#base/icalendar/lines.ts"
import { timeZoneLines } from "#base/icalendar/time-zone.ts"
import type { Pattern } from "#domain/booking/series/occurrences.ts"
import type { FeedBooking } from "./bookings.ts"
import { seriesEvents } from "./series-events.ts"
import { type Describing, singleEvent } from "./single-events.ts"

export interface FeedContent {
  readonly facilityName: string
  readonly timezone: string
  /** Null: the bookings of a person. */
  readonly resourceName: string | null
  readonly showsNames: boolean
  readonly bookings: readonly FeedBooking[]
  readonly patterns: ReadonlyMap<string, Pattern>
}

export function feedText(feed: FeedContent): string {
  const describe = describing(feed)
  const name = icalText(whereOf(feed.resourceName, feed.facilityName))
  const bySeries = Map.groupBy(feed.bookings, ({ recurring_booking_id }) => recurring_booking_id)
  const zones: { readonly from: number; readonly until: number }[] = []
  const events = [...bySeries].flatMap(([id, bookings]) => {
    const pattern = id === null ? undefined : feed.patterns.get(id)
    if (id === null || pattern === undefined)
      return bookings.flatMap((booking) => singleEvent(booking, describe(booking)))
    const { lines, zoned } = seriesEvents({ id, pattern, bookings }, feed.timezone, describe)
    if (zoned) zones.push(zoned)
    return lines
  })
  return icalFile([
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    producerLine,
    "CALSCALE:GREGORIAN",
    "METHOD:PUBLISH",
    `NAME:${name}`,
    `X-WR-CALNAME:${name}`,
    // How often a calendar program asks again, the second for those that do not know the first.
    "REFRESH-INTERVAL;VALUE=DURATION:PT15M",
    "X-PUBLISHED-TTL:PT15M",
    ...(zones.length === 0 ? [] : timeZoneLines(feed.timezone, firstOf(zones), lastOf(zones))),
    ...events,
    "END:VCALENDAR",
  ])
}

/** The title that somebody gave the booking, else the resource; on a resource's feed the booker too, if it may. */
function describing({ facilityName, resourceName, showsNames }: FeedContent): Describing {
  return ({ title, resource_name, booker_name }) => ({
    summary: title ?? (resourceName !== null && showsNames ? booker_name : resource_name),
    location: whereOf(resource_name, facilityName),
    ...(showsNames && { description: booker_name }),
  })
}

const whereOf = (resource: string | null, facility: string) =>
  resource === null ? facility : `${resource}, ${facility}`

const firstOf = (spans: readonly { readonly from: number }[]) => Math.min(...spans.map(({ from }) => from))
const lastOf = (spans: readonly { readonly until: number }[]) => Math.max(...spans.map(({ until }) => until))
