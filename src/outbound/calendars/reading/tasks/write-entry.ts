/**
 * A task of a child process: writes the entry of a booking as iCalendar, over the one that stands in the calendar. What
 * its owner added there, such as an alarm or a category, stays. Times are UTC: no reader has to know the zone.
 */
import ICAL from "ical.js"
import { sequenceOf } from "#base/icalendar/lines.ts"
import type { EntryToWrite } from "#outbound/calendars/reading/reading.ts"

export default function writeEntryText({ present, event }: EntryToWrite): string {
  const calendar = calendarIn(present) ?? newCalendar()
  const component = calendar.getFirstSubcomponent("vevent") ?? new ICAL.Component("vevent")
  if (component.parent === null) calendar.addSubcomponent(component)
  // The entry is one appointment, whatever was made of it.
  for (const name of ["rrule", "rdate", "exdate", "recurrence-id", "duration", "dtstart", "dtend"])
    component.removeAllProperties(name)
  const changedAt = ICAL.Time.fromJSDate(new Date(event.changedAt), true)
  const set = (name: string, value: ICAL.Time | string | number) => component.updatePropertyWithValue(name, value)
  set("uid", event.uid)
  set("dtstamp", changedAt)
  set("last-modified", changedAt)
  set("sequence", Math.max(ownSequence(component), sequenceOf(new Date(event.changedAt))))
  set("dtstart", ICAL.Time.fromJSDate(new Date(event.startAt), true))
  set("dtend", ICAL.Time.fromJSDate(new Date(event.endAt), true))
  set("summary", event.title)
  setOrRemove(component, "description", event.description)
  setOrRemove(component, "location", event.location)
  set("status", "CONFIRMED")
  set("transp", "OPAQUE")
  return calendar.toString()
}

function calendarIn(text: string | undefined): ICAL.Component | undefined {
  if (text === undefined) return undefined
  try {
    const calendar = ICAL.Component.fromString(text)
    for (const extra of calendar.getAllSubcomponents("vevent").slice(1)) calendar.removeSubcomponent(extra)
    return calendar
  } catch {
    return undefined
  }
}

function newCalendar(): ICAL.Component {
  const calendar = new ICAL.Component("vcalendar")
  calendar.updatePropertyWithValue("version", "2.0")
  calendar.updatePropertyWithValue("prodid", "-//SlotBase//SlotBase//EN")
  return calendar
}

function setOrRemove(component: ICAL.Component, name: string, text: string): void {
  if (text === "") component.removeAllProperties(name)
  else component.updatePropertyWithValue(name, text)
}

const ownSequence = (component: ICAL.Component) => Number(component.getFirstPropertyValue("sequence") ?? 0) || 0
