// What three libraries of other people read in a calendar: the instants of its events, series expanded.

import ICAL from "ical.js"
import nodeIcal, { parseICS } from "node-ical"
import { convertIcsCalendar, extendByRecurrenceRule } from "ts-ics"

/** An event that a reader found, or an occurrence of one. */
export interface ReadEvent {
  readonly uid: string
  readonly start: string
  readonly end: string
  readonly status: string
}

export type CalendarReader = (text: string, from: Date, to: Date) => ReadEvent[]

const iso = (date: Date) => date.toISOString().replace(".000", "")
const sorted = (events: ReadEvent[]) => events.sort((a, b) => (a.start + a.uid).localeCompare(b.start + b.uid))

export const readWithIcalJs: CalendarReader = (text, from, to) => {
  const whole = new ICAL.Component(ICAL.parse(text))
  // The zones of another calendar must not help.
  ICAL.TimezoneService.reset()
  for (const zone of whole.getAllSubcomponents("vtimezone")) ICAL.TimezoneService.register(zone)
  const found: ReadEvent[] = []
  for (const component of whole.getAllSubcomponents("vevent")) {
    const event = new ICAL.Event(component)
    if (event.isRecurrenceException()) continue
    const status = String(component.getFirstPropertyValue("status") ?? "")
    const add = (start: ICAL.Time, end: ICAL.Time) =>
      found.push({ uid: event.uid, start: iso(start.toJSDate()), end: iso(end.toJSDate()), status })
    if (!event.isRecurring()) {
      if (event.startDate.toJSDate() >= from && event.startDate.toJSDate() < to) add(event.startDate, event.endDate)
      continue
    }
    const all = event.iterator()
    for (let next = all.next(); next && next.toJSDate() < to; next = all.next()) {
      const { startDate, endDate } = event.getOccurrenceDetails(next)
      if (startDate.toJSDate() >= from) add(startDate, endDate)
    }
  }
  return sorted(found)
}

export const readWithNodeIcal: CalendarReader = (text, from, to) => {
  const found: ReadEvent[] = []
  for (const event of Object.values(parseICS(text))) {
    if (event?.type !== "VEVENT") continue
    const expanded = nodeIcal.expandRecurringEvent(event, { from, to, expandOngoing: false })
    for (const { start, end } of expanded)
      found.push({ uid: String(event.uid), start: iso(start), end: iso(end), status: String(event.status ?? "") })
  }
  return sorted(found)
}

/** It expands a rule only when it is asked, so the EXDATEs are given to it. */
export const readWithTsIcs: CalendarReader = (text, from, to) => {
  const { events = [] } = convertIcsCalendar(undefined, text)
  const found: ReadEvent[] = []
  for (const event of events) {
    const start = event.start.date
    const length = (event.end?.date ?? start).getTime() - start.getTime()
    const excluded = new Set(event.exceptionDates?.map(({ date }) => date.getTime()))
    const starts = event.recurrenceRule
      ? extendByRecurrenceRule(event.recurrenceRule, {
          start,
          end: to,
          exceptions: event.exceptionDates?.map(({ date }) => date) ?? [],
        })
      : [start]
    for (const each of starts)
      if (each >= from && each < to && !excluded.has(each.getTime()))
        found.push({
          uid: event.uid,
          start: iso(each),
          end: iso(new Date(each.getTime() + length)),
          status: event.status ?? "",
        })
  }
  return sorted(found)
}
