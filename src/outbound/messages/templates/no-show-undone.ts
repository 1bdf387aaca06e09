/** booking.no_show.undone, to the booker. The event carries no currency: a fee has the facility's. */
import type { Template } from "./template.ts"

export const noShowUndone: Template = {
  subject: `No longer a no-show: {{ data.startAt | short_time: facility.timezone }}`,
  short: `Your booking at {{ facility.name }} on {{ data.startAt | local_time: facility.timezone }} is no longer a no-show.`,
  heading: `Your no-show was undone`,
  lead: `{{ facility.name }} had marked your booking as a no-show. That was a mistake, and it no longer counts.`,
  facts: [
    ["When", `{{ data.startAt | period: data.endAt, facility.timezone }}`],
    ["Where", `{% if resource != "" %}{{ resource }}, {% endif %}{{ facility.name }}`],
    ["Reason", `{{ data.reason }}`],
    ["Fee waived", `{% if data.feeWaived > 0 %}{{ data.feeWaived | money: facility.currency }}{% endif %}`],
    ["Booking", `{{ data.bookingId }}`],
  ],
  note: "",
}
