/** recurring_booking.blocked, to the facility's administrators: a series cannot go on, and its days wait. */
import type { Template } from "./template.ts"

export const seriesBlocked: Template = {
  subject: `The series of {{ data.bookerName }} cannot go on: {{ data.resourceName }}, {{ data.startTime }}`,
  short: `The series of {{ data.bookerName }} on {{ data.resourceName }} at {{ data.startTime }} cannot go on: {{ data.detail }}`,
  heading: `A series cannot go on`,
  lead: `No more bookings are made for the series of {{ data.bookerName }} on {{ data.resourceName }}. {{ data.detail }}`,
  facts: [
    ["First day that waits", `{{ data.blockedFrom }}`],
    ["Time", `{{ data.startTime }}`],
    ["Rule", `{{ data.rule }}`],
    ["Where", `{{ data.resourceName }}, {{ facility.name }}`],
    ["Series", `{{ data.recurringBookingId }}`],
  ],
  note: "Its days are kept for nobody meanwhile. They are booked as soon as the series can go on, as far as they are free.",
}
