/** booking.local_time_changed, to the booker and the other participants. */
import type { Template } from "./template.ts"

export const bookingLocalTimeChanged: Template = {
  subject: `Another time by the clock: {{ data.resourceName }}, {{ data.startAt | short_time: data.timezone }}`,
  short: `The clocks there were changed by law. Your time at {{ facility.name }} is now {{ data.startAt | period: data.endAt, data.timezone }}.`,
  heading: "Your booking is at another time by the clock",
  lead: "The clocks there were changed by law after this booking was made. The club keeps the moment of the booking, so its local time is another one.",
  facts: [
    ["When", `{{ data.startAt | period: data.endAt, data.timezone }}`],
    ["Where", `{{ data.resourceName }}, {{ facility.name }}`],
    ["Agreed was", `{{ data.previousLocalStart | replace: "T", " " | slice: 0, 16 }}`],
    ["Booking", `{{ data.bookingId }}`],
  ],
  note: "If the new time does not suit you, cancel the booking or ask the club to move it.",
}
