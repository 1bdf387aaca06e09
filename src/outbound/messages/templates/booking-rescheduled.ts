/** booking.rescheduled, to the booker and the other participants. Only the booker sees the price. */
import type { Template } from "./template.ts"

export const bookingRescheduled: Template = {
  subject: `Booking moved: {{ data.resourceName }}, {{ data.startAt | short_time: data.timezone }}`,
  short: `Now {{ data.resourceName }} at {{ facility.name }}: {{ data.startAt | period: data.endAt, data.timezone }}.`,
  heading: `{% if recipient.as == "booker" %}Your booking was moved{% else %}A booking with you was moved{% endif %}`,
  lead: `{% if data.rescheduledBy == recipient.userId %}You moved this booking{% else %}This booking was moved{% endif %}.{% if data.status == "pending" %} It waits for approval at its new time.{% endif %}`,
  facts: [
    ["When", `{{ data.startAt | period: data.endAt, data.timezone }}`],
    ["Where", `{{ data.resourceName }}, {{ facility.name }}`],
    ["Before", `{{ data.previousStartAt | period: data.previousEndAt, data.timezone }}`],
    [
      "Price",
      `{% if recipient.as == "booker" and data.priceAmount != data.previousPriceAmount %}{{ data.priceAmount | money: data.priceCurrency }} (before: {{ data.previousPriceAmount | money: data.priceCurrency }}){% endif %}`,
    ],
    [
      "Refund",
      `{% if recipient.as == "booker" and data.refundAmount > 0 %}{{ data.refundAmount | money: data.priceCurrency }}{% endif %}`,
    ],
    [
      "Kept by the club",
      `{% if recipient.as == "booker" and data.forfeitedAmount > 0 %}{{ data.forfeitedAmount | money: data.priceCurrency }}{% endif %}`,
    ],
    ["Booking", `{{ data.bookingId }}`],
  ],
  note: "",
}
