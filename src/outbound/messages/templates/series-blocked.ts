/** recurring_booking.blocked, to the facility's administrators: a series cannot go on, and its days wait. */
import type { Template } from "./template.ts"

export const seriesBlocked: Template = {
  en: {
    subject: `The series of {{ data.bookerName }} cannot go on: {{ data.resourceName }}, {{ data.startTime }}`,
    short: `The series of {{ data.bookerName }} on {{ data.resourceName }} at {{ data.startTime }} cannot go on: {{ data.detail }}`,
    heading: `A series cannot go on`,
    lead: `No more bookings are made for the series of {{ data.bookerName }} on {{ data.resourceName }}. {{ data.detail }}`,
    note: "Its days are kept for nobody meanwhile. They are booked as soon as the series can go on, as far as they are free.",
  },
  de: {
    subject: `Die Serie von {{ data.bookerName }} kann nicht weitergehen: {{ data.resourceName }}, {{ data.startTime }} Uhr`,
    short: `Die Serie von {{ data.bookerName }} auf {{ data.resourceName }} um {{ data.startTime }} Uhr kann nicht weitergehen: {{ data.reason | reason: data.detail }}`,
    heading: `Eine Serie kann nicht weitergehen`,
    lead: `Für die Serie von {{ data.bookerName }} auf {{ data.resourceName }} wird nichts mehr gebucht. {{ data.reason | reason: data.detail }}`,
    note: "Ihre Tage werden solange für niemanden freigehalten. Sie werden gebucht, sobald die Serie weitergehen kann, soweit sie dann frei sind.",
  },
  facts: [
    ["firstDay", `{{ data.blockedFrom | day }}`],
    ["time", `{{ data.startTime }}{% if data.endTime %}–{{ data.endTime }}{% endif %}`],
    ["where", `{{ data.resourceName }}, {{ facility.name }}`],
    ["reference", `{{ data.recurringBookingId | short_id }}`],
  ],
}
