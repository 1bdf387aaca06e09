/** booking.struck, to the booker, the other participants and the coach of a lesson. */
import type { Template } from "./template.ts"

export const bookingStruck: Template = {
  subject: `Not open at your booking: {{ resource }}, {{ data.startAt | short_time: facility.timezone }}`,
  short: `{{ facility.name }} is not open for your booking of {{ resource }} on {{ data.startAt | local_time: facility.timezone }}.`,
  heading: `{{ facility.name }} is not open at the time of {% if recipient.as == "booker" %}your booking{% else %}a booking with you{% endif %}`,
  lead: `The booking still stands, and nobody has to come.`,
  facts: [
    ["When", `{{ data.startAt | period: data.endAt, facility.timezone }}`],
    ["Where", `{{ resource }}, {{ facility.name }}`],
    ["Reason", `{{ data.reason }}`],
    ["Booking", `{{ data.bookingId }}`],
  ],
  note: `{% if recipient.as == "booker" %}You can cancel it, and everything you paid for it is refunded.{% endif %}`,
}
