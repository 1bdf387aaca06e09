/**
 * A task of a child process: reads events of calendars outside, and finds when they make busy. ical.js reads the text;
 * the occurrences of a series are counted by recurrence.ts. An event that cannot be read whole makes nobody busy, and
 * says why.
 */
import ICAL from "ical.js"
import { instantAt } from "#base/zones/wall-clock.ts"
import { meaningOf } from "#outbound/calendars/calendar-event.ts"
import { ianaNameOf, utcZone, type WallZone, zoneOfName } from "#outbound/calendars/reading/event-zones.ts"
import type { EventsToRead, ReadCalendarEvent } from "#outbound/calendars/reading/reading.ts"
import { SeriesRefused, wallsOf } from "#outbound/calendars/reading/recurrence.ts"

export default function readEvents(asked: EventsToRead): readonly ReadCalendarEvent[] {
  return asked.texts.map((text) => {
    try {
      return readOne(text, asked)
    } catch (error) {
      const known = error instanceof SeriesRefused
      const fault = known ? error.message : `It is no valid event: ${(error as Error).message.slice(0, 200)}`
      return { uid: uidIn(text), meaning: null, busy: [], recurs: false, fault }
    }
  })
}

const uidIn = (text: string) => /^UID(?:;[^:\r\n]*)?:(.*)$/im.exec(text)?.[1]?.trim() ?? ""

function readOne(text: string, asked: EventsToRead): ReadCalendarEvent {
  const calendar = ICAL.Component.fromString(text.replace(/^\ufeff/, ""))
  const events = calendar.getAllSubcomponents("vevent")
  const zones = zonesOf(calendar, asked.timezone)
  const master = events.find((event) => event.getFirstProperty("recurrence-id") === null)
  const changed = events.filter((event) => event !== master)
  const uid = String((master ?? events[0])?.getFirstPropertyValue("uid") ?? "")
  // A task or a journal takes nobody's time.
  if (events.length === 0) return { uid: uidIn(text), meaning: null, busy: [], recurs: false, fault: null }
  const isSeries = changed.length > 0 || master?.hasProperty("rrule") || master?.hasProperty("rdate")
  for (const event of changed)
    if (event.getFirstProperty("recurrence-id")?.getParameter("range"))
      throw new SeriesRefused("It changes all occurrences from one on (RANGE), which is not supported.")
  const spans = [
    ...(master ? spansOfMaster({ event: master, changed, rules: rulesIn(text) }, zones, asked) : []),
    ...changed.flatMap((event) => (makesBusy(event) ? [spanOf(event, zones)] : [])),
  ]
    .map(({ start, end }) => ({ start: Math.max(start, earliest), end: Math.min(end, latest) }))
    .filter(({ start, end }) => end > asked.from && end > start)
  const busy = spans.filter(({ start }) => start < asked.until)
  const recurs = master?.hasProperty("rrule") || master?.hasProperty("rdate") || spans.length > busy.length
  return { uid, meaning: master && !isSeries ? meaningIn(master, zones) : null, busy, recurs, fault: null }
}

/** No busy time reaches beyond these, so that every program can write it down. */
const earliest = 0
const latest = Date.UTC(2200, 0, 1)

/** The rules as they are written: ical.js drops the parts that it does not know, such as RSCALE. */
function rulesIn(text: string): string[] {
  const unfolded = text.replaceAll(/\r?\n[ \t]/g, "")
  const events = unfolded.match(/^BEGIN:VEVENT\r?$[\s\S]*?^END:VEVENT\r?$/gim) ?? []
  const master = events.find((each) => !/^RECURRENCE-ID[:;]/im.test(each)) ?? ""
  return [...master.matchAll(/^RRULE(?:;[^:\r\n]*)?:(.*?)\r?$/gim)].map(([, rule = ""]) => rule.trim())
}

interface Master {
  readonly event: ICAL.Component
  readonly changed: readonly ICAL.Component[]
  readonly rules: readonly string[]
}

function spansOfMaster({ event, changed, rules }: Master, zones: ZoneFinder, { from, until }: EventsToRead) {
  if (!makesBusy(event)) return []
  const first = spanOf(event, zones)
  if (!event.hasProperty("rrule") && !event.hasProperty("rdate")) return [first]
  if (event.hasProperty("exrule")) throw new SeriesRefused("It has an EXRULE, which is not supported.")
  const start = startOf(event)
  const zone = zones(start)
  const wall = wallOf(start.time)
  const lengthMs = lengthOf(event, zones)
  const off = new Set([
    ...timesOf(event, "exdate").map((each) => at(each, zones)),
    ...changed.map((each) => at(propertyTime(each, "recurrence-id"), zones)),
  ])
  const offDays = new Set(
    timesOf(event, "exdate")
      .filter(({ time }) => time.isDate && !start.time.isDate)
      .map(({ time }) => wallOf(time)),
  )
  const added = timesOf(event, "rdate")
  const more = added.filter(({ time }) => time.isDate).map((each) => zone.wallOf(at(each, zones)))
  const walls = wallsOf({ start: wall, zone, rules, more }, zone.wallOf(from) - lengthMs, zone.wallOf(until))
  const isOff = (begins: number, onWall: number) => off.has(begins) || offDays.has(onWall - (onWall % dayMs))
  const counted = walls.flatMap((each) => {
    const begins = zone.instantOf(each)
    if (isOff(begins, each)) return []
    // A day ends with the day: it may have 23 hours or 25.
    return [{ start: begins, end: start.time.isDate ? zone.instantOf(each + lengthMs) : begins + lengthMs }]
  })
  const known = new Set(counted.map(({ start, end }) => `${start} ${end}`))
  // A wall clock shows the hour of a clock change twice, so an added instant never goes by the wall.
  const instants = added
    .filter(({ time }) => !time.isDate)
    .map((each) => spanOfAdded(each, lengthMs, zones))
    .filter(({ start, end }) => !isOff(start, zone.wallOf(start)) && !known.has(`${start} ${end}`))
  return [...counted, ...instants]
}

/** An added time lasts as long as the series does, unless it is a period. */
function spanOfAdded({ lasts, ...time }: NamedTime, lengthMs: number, zones: ZoneFinder) {
  const start = at(time, zones)
  if (lasts instanceof ICAL.Duration) return { start, end: start + lasts.toSeconds() * 1_000 }
  return { start, end: lasts ? at({ ...time, time: lasts }, zones) : start + lengthMs }
}

/** Free time, and what was called off, make nobody busy. */
function makesBusy(event: ICAL.Component): boolean {
  const word = (name: string) => String(event.getFirstPropertyValue(name) ?? "").toUpperCase()
  return word("transp") !== "TRANSPARENT" && word("status") !== "CANCELLED"
}

function meaningIn(event: ICAL.Component, zones: ZoneFinder): string {
  const { start, end } = spanOf(event, zones)
  const text = (name: string) => String(event.getFirstPropertyValue(name) ?? "")
  return meaningOf({
    startAt: new Date(start).toISOString(),
    endAt: new Date(end).toISOString(),
    title: text("summary"),
    description: text("description"),
    location: text("location"),
  })
}

interface NamedTime {
  readonly time: ICAL.Time
  /** Of a period: how long, or until when. */
  readonly lasts?: ICAL.Duration | ICAL.Time
  readonly tzid: string | undefined
}

const startOf = (event: ICAL.Component) => propertyTime(event, "dtstart")

function propertyTime(event: ICAL.Component, name: string): NamedTime {
  const property = event.getFirstProperty(name)
  const time = property?.getFirstValue()
  if (!property || !(time instanceof ICAL.Time)) throw new SeriesRefused(`It has no readable ${name.toUpperCase()}.`)
  requireOnCalendar(property.jCal[3], name)
  return { time, tzid: tzidOf(property) }
}

/** ical.js makes 2 February of 33 January, in silence. A leap second is the next one. */
function requireOnCalendar(written: unknown, name: string): void {
  const [, day = "", hour = 0, minute = 0, second = 0] =
    /^(\d{4}-\d\d-\d\d)(?:T(\d\d):(\d\d):(\d\d))?/.exec(String(written)) ?? []
  const isDay = new Date(Date.parse(`${day}T00:00:00Z`)).toJSON()?.startsWith(day) ?? false
  if (day !== "" && (!isDay || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60))
    throw new SeriesRefused(`Its ${name.toUpperCase()} is no time of the calendar.`)
}

/** Of EXDATE and RDATE, which may have many values. */
const timesOf = (event: ICAL.Component, name: string): NamedTime[] =>
  event.getAllProperties(name).flatMap((property) =>
    property.getValues().map((value, nth) => {
      const isPeriod = value instanceof ICAL.Period
      const time = isPeriod ? value.start : value
      if (!(time instanceof ICAL.Time)) throw new SeriesRefused(`It has an unreadable ${name.toUpperCase()}.`)
      if (!isPeriod) requireOnCalendar(property.jCal[3 + nth], name)
      const lasts = isPeriod ? (value.duration ?? value.end) : undefined
      return { time, tzid: tzidOf(property), ...(lasts && { lasts }) }
    }),
  )

const tzidOf = (property: ICAL.Property) => {
  const tzid = property.getParameter("tzid")
  return Array.isArray(tzid) ? tzid[0] : tzid
}

function spanOf(event: ICAL.Component, zones: ZoneFinder) {
  const start = startOf(event)
  const begins = at(start, zones)
  const ends =
    event.hasProperty("dtend") && !start.time.isDate
      ? at(propertyTime(event, "dtend"), zones)
      : start.time.isDate
        ? zones(start).instantOf(wallOf(start.time) + lengthOf(event, zones))
        : begins + lengthOf(event, zones)
  if (ends < begins) throw new SeriesRefused("It ends before it begins.")
  return { start: begins, end: ends }
}

/** On the clock for time, on the wall for days, milliseconds. Without an end, a day is a day and a time is a point. */
function lengthOf(event: ICAL.Component, zones: ZoneFinder): number {
  const start = startOf(event)
  if (event.hasProperty("dtend")) {
    const end = propertyTime(event, "dtend")
    // Some programs end a day with itself. RFC 5545 wants the day after.
    if (start.time.isDate) return Math.max(dayMs, wallOf(end.time) - wallOf(start.time))
    return at(end, zones) - at(start, zones)
  }
  const duration = event.getFirstPropertyValue("duration")
  if (duration instanceof ICAL.Duration) return duration.toSeconds() * 1_000
  return start.time.isDate ? dayMs : 0
}

type ZoneFinder = (time: NamedTime) => WallZone

/** The instant of a time. */
const at = (time: NamedTime, zones: ZoneFinder) => zones(time).instantOf(wallOf(time.time))

const wallOf = ({ year, month, day, hour, minute, second }: ICAL.Time) =>
  Date.UTC(year, month - 1, day, hour, minute, second)

const dayMs = 24 * 60 * 60_000

function zonesOf(calendar: ICAL.Component, ownZone: string): ZoneFinder {
  const given = new Map(
    calendar
      .getAllSubcomponents("vtimezone")
      .map((component) => [String(component.getFirstPropertyValue("tzid")), component]),
  )
  // A day begins with the first instant of the day, also where midnight is skipped.
  const days: WallZone = { ...zoneOfName(ownZone), instantOf: (wall) => instantAt(ownZone, wall, "end") }
  return ({ time, tzid }) => {
    if (time.isDate) return days
    if (time.zone === ICAL.Timezone.utcTimezone && tzid === undefined) return utcZone
    if (tzid === undefined) return zoneOfName(ownZone)
    const component = given.get(tzid)
    const name = ianaNameOf(tzid) ?? ianaNameOf(String(component?.getFirstPropertyValue("x-lic-location") ?? ""))
    if (name !== undefined) return zoneOfName(name)
    if (component === undefined) throw new SeriesRefused(`It names the zone "${tzid}", which is not known.`)
    return zoneOfRules(new ICAL.Timezone({ component, tzid }))
  }
}

/** A zone that only the event itself describes. */
function zoneOfRules(zone: ICAL.Timezone): WallZone {
  const offsetAtWall = (wall: number) => {
    const date = new Date(wall)
    const time = new ICAL.Time(
      {
        year: date.getUTCFullYear(),
        month: date.getUTCMonth() + 1,
        day: date.getUTCDate(),
        hour: date.getUTCHours(),
        minute: date.getUTCMinutes(),
        second: date.getUTCSeconds(),
        isDate: false,
      },
      zone,
    )
    return zone.utcOffset(time) * 1_000
  }
  return {
    instantOf: (wall) => wall - offsetAtWall(wall),
    wallOf: (at) => at + offsetAtWall(at + offsetAtWall(at)),
  }
}
