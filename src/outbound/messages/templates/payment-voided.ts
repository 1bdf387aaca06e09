/** booking.payment_voided, to the payer and the booker: the payment came too late and is refunded. */
import type { Template } from "./template.ts"

export const paymentVoided: Template = {
  subject: `Your payment goes back: {{ resource }}, {{ data.startAt | short_time: facility.timezone }}`,
  short: `The payment of {{ data.amount | money: data.currency }} came too late for {{ resource }} at {{ facility.name }}, and goes back in full.`,
  heading: `The booking could not be kept`,
  lead: `The payment arrived, but {% case data.reason %}{% when "slot_taken" %}the slot had been taken by somebody else{% when "released" %}the slot had been given back{% when "not_available" %}its time had begun or is closed{% else %}the booking had been cancelled{% endcase %}. All of it is given back.`,
  facts: [
    ["When", `{{ data.startAt | period: data.endAt, facility.timezone }}`],
    ["Where", `{{ resource }}, {{ facility.name }}`],
    ["Given back", `{{ data.amount | money: data.currency }}`],
    [
      "Still free",
      `{% for slot in data.alternatives %}{{ slot.startAt | period: slot.endAt, facility.timezone }}{% unless forloop.last %}; {% endunless %}{% endfor %}`,
    ],
    ["Booking", `{{ data.bookingId }}`],
  ],
  note: "",
}
