/**
 * booking.cancelled, to the booker and the other participants. The event carries no currency: a refund has the
 * facility's.
 */
import type { Template } from "./template.ts"

export const bookingCancelled: Template = {
  subject: `Booking cancelled: {% if resource != "" %}{{ resource }}, {% endif %}{{ data.startAt | short_time: facility.timezone }}`,
  short: `The booking at {{ facility.name }} on {{ data.startAt | period: data.endAt, facility.timezone }} was cancelled.`,
  heading: `{% if recipient.as == "booker" %}Your booking was cancelled{% else %}A booking with you was cancelled{% endif %}`,
  lead: `{% if data.cancelledBy == recipient.userId %}You cancelled this booking{% else %}This booking was cancelled{% endif %}.`,
  facts: [
    ["When", `{{ data.startAt | period: data.endAt, facility.timezone }}`],
    ["Where", `{% if resource != "" %}{{ resource }}, {% endif %}{{ facility.name }}`],
    ["Reason", `{{ data.cancellationReason }}`],
    [
      "Refund",
      `{% if recipient.as == "booker" and data.refundAmount %}{{ data.refundAmount | money: facility.currency }}{% if data.refundStatus %} ({{ data.refundStatus }}){% endif %}{% endif %}`,
    ],
    ["Booking", `{{ data.bookingId }}`],
  ],
  note: "",
}
