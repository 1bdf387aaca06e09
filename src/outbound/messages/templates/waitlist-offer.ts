/** waitlist.offered, to the waiting person. */
import type { Template } from "./template.ts"

export const waitlistOffer: Template = {
  subject: `A slot is free: {{ resource }}, {{ data.startAt | short_time: facility.timezone }}`,
  short: `{{ resource }} at {{ facility.name }} is held for you until {{ data.expiresAt | local_time: facility.timezone }}.`,
  heading: `The slot you waited for is free`,
  lead: `{{ resource }} at {{ facility.name }} became free, and is held for you. Accept the offer before it ends, or it goes to the next in line.`,
  facts: [
    ["When", `{{ data.startAt | period: data.endAt, facility.timezone }}`],
    ["Where", `{{ resource }}, {{ facility.name }}`],
    ["Price", `{% if data.priceAmount > 0 %}{{ data.priceAmount | money: data.priceCurrency }}{% endif %}`],
    ["Held until", `{{ data.expiresAt | local_time: facility.timezone }}`],
    ["Waitlist entry", `{{ data.entryId }}`],
  ],
  note: "",
}
