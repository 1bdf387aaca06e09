/** booking.confirmed, to the booker and the other participants. Only the booker sees the price. */
import type { Template } from "./template.ts"

export const bookingConfirmation: Template = {
  subject: `{% if recipient.as == "booker" %}Booking confirmed{% else %}{{ data.bookerName }} booked for you{% endif %}: {{ data.resourceName }}, {{ data.startAt | short_time: data.timezone }}`,
  short: `{{ data.resourceName }} at {{ facility.name }}: {{ data.startAt | period: data.endAt, data.timezone }}.`,
  heading: `{% if recipient.as == "booker" %}Your booking is confirmed{% else %}You are playing{% endif %}`,
  lead: `{% if recipient.as == "booker" %}{{ data.resourceName }} at {{ facility.name }} is yours.{% else %}{{ data.bookerName }} booked {{ data.resourceName }} at {{ facility.name }} and named you as a participant.{% endif %}`,
  facts: [
    ["When", `{{ data.startAt | period: data.endAt, data.timezone }}`],
    ["Where", `{{ data.resourceName }}, {{ facility.name }}`],
    ["Players", `{{ data.participants | map: "name" | join: ", " }}`],
    [
      "Price",
      `{% if recipient.as == "booker" and data.paymentMethod != "waived" %}{{ data.priceAmount | money: data.priceCurrency }}{% endif %}`,
    ],
    [
      "Payment",
      `{% if recipient.as == "booker" %}{% case data.paymentMethod %}{% when "online" %}Paid online{% when "offline" %}To be paid at the facility{% else %}Nothing to pay{% endcase %}{% endif %}`,
    ],
    ["Booking", `{{ data.bookingId }}`],
  ],
  note: `{% if recipient.as == "booker" %}If your plans change, please cancel early, so that somebody else can play.{% endif %}`,
}
