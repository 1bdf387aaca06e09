/** booking.rescheduled, to the booker and the other participants. Only the booker sees the price. */
import type { Template } from "./template.ts"
import { reference, seeOrCancelAsBooker } from "./values.ts"

const booker = `recipient.as == "booker"`

export const bookingRescheduled: Template = {
  en: {
    subject: `Booking moved: {{ data.resourceName }}, {{ data.startAt | short_time: data.timezone }}`,
    short: `Now {{ data.resourceName }} at {{ facility.name }}: {{ data.startAt | period: data.endAt, data.timezone }}.`,
    heading: `{% if ${booker} %}Your booking was moved{% else %}A booking with you was moved{% endif %}`,
    lead: `{% if data.rescheduledBy == recipient.userId %}You moved this booking{% else %}This booking was moved{% endif %}.{% if data.status == "pending" %} It waits for approval at its new time.{% endif %}`,
    note: `{% if ${booker} and data.rescheduledBy != recipient.userId %}If the new time does not suit you, cancel the booking or talk to the club.{% endif %}`,
  },
  de: {
    subject: `Buchung verschoben: {{ data.resourceName }}, {{ data.startAt | short_time: data.timezone }}`,
    short: `Jetzt {{ data.resourceName }} bei {{ facility.name }}: {{ data.startAt | period: data.endAt, data.timezone }}.`,
    heading: `{% if ${booker} %}Deine Buchung wurde verschoben{% else %}Eine Buchung mit dir wurde verschoben{% endif %}`,
    lead: `{% if data.rescheduledBy == recipient.userId %}Du hast diese Buchung verschoben{% else %}Diese Buchung wurde verschoben{% endif %}.{% if data.status == "pending" %} Am neuen Termin muss sie noch freigegeben werden.{% endif %}`,
    note: `{% if ${booker} and data.rescheduledBy != recipient.userId %}Wenn dir der neue Termin nicht passt, sag die Buchung ab oder sprich mit dem Verein.{% endif %}`,
  },
  facts: [
    ["when", `{{ data.startAt | period: data.endAt, data.timezone }}`],
    ["where", `{{ data.resourceName }}, {{ facility.name }}`],
    ["before", `{{ data.previousStartAt | period: data.previousEndAt, data.timezone }}`],
    [
      "price",
      {
        en: `{% if ${booker} and data.priceAmount != data.previousPriceAmount %}{{ data.priceAmount | money: data.priceCurrency }} (before: {{ data.previousPriceAmount | money: data.priceCurrency }}){% endif %}`,
        de: `{% if ${booker} and data.priceAmount != data.previousPriceAmount %}{{ data.priceAmount | money: data.priceCurrency }} (bisher {{ data.previousPriceAmount | money: data.priceCurrency }}){% endif %}`,
      },
    ],
    [
      "refund",
      `{% if ${booker} and data.refundAmount > 0 %}{{ data.refundAmount | money: data.priceCurrency }}{% endif %}`,
    ],
    [
      "kept",
      `{% if ${booker} and data.forfeitedAmount and data.forfeitedAmount > 0 %}{{ data.forfeitedAmount | money: data.priceCurrency }}{% endif %}`,
    ],
    ["reference", reference],
  ],
  action: seeOrCancelAsBooker,
}
