/** booking.reminder.due, to the booker. */
import type { Template } from "./template.ts"

export const bookingReminder: Template = {
  subject: `Reminder: {% if resource != "" %}{{ resource }}, {% endif %}{{ data.startAt | short_time: facility.timezone }}`,
  short: `Your booking at {{ facility.name }} begins on {{ data.startAt | local_time: facility.timezone }}.`,
  heading: `Your booking is coming up`,
  lead: `This is a reminder of your booking at {{ facility.name }}.`,
  facts: [
    ["When", `{{ data.startAt | period: data.endAt, facility.timezone }}`],
    ["Where", `{% if resource != "" %}{{ resource }}, {% endif %}{{ facility.name }}`],
    ["Booking", `{{ data.bookingId }}`],
  ],
  note: `If you can't come, please cancel, so that somebody else can play.`,
}
