/** booking.rescheduled, to the booker, the participants and the coach of a lesson. Only the booker sees the price. */
import type { Template } from "./template.ts"
import { coach, didIt, reference, seeOrCancelAsBooker, you, yourBooking } from "./values.ts"

const booker = `recipient.as == "booker"`
const byReader = didIt("rescheduledBy")

export const bookingRescheduled: Template = {
  en: {
    subject: `{% if recipient.as == "coach" %}Lesson{% else %}Booking{% endif %} moved: {{ data.resourceName }}, {{ data.startAt | short_time: data.timezone }}`,
    short: `Now {{ data.resourceName }} at {{ facility.name }}: {{ data.startAt | period: data.endAt, data.timezone }}.`,
    heading: `{% if ${booker} %}${yourBooking.en.start} was moved{% else %}A {% if recipient.as == "coach" %}lesson{% else %}booking{% endif %} with ${you.en} was moved{% endif %}`,
    lead: `{% if ${byReader} %}You moved this booking{% else %}This booking was moved{% endif %}.{% if data.status == "pending" %} It waits for approval at its new time.{% endif %}`,
    note: `{% if ${booker} %}{% unless ${byReader} %}If the new time does not suit ${you.en}, cancel the booking or talk to the club.{% endunless %}{% endif %}`,
  },
  de: {
    subject: `{% if recipient.as == "coach" %}Trainerstunde{% else %}Buchung{% endif %} verschoben: {{ data.resourceName }}, {{ data.startAt | short_time: data.timezone }}`,
    short: `Jetzt {{ data.resourceName }} bei {{ facility.name }}: {{ data.startAt | period: data.endAt, data.timezone }}.`,
    heading: `{% if ${booker} %}${yourBooking.de.start} wurde verschoben{% else %}Eine {% if recipient.as == "coach" %}Trainerstunde{% else %}Buchung{% endif %} mit ${you.de.dative} wurde verschoben{% endif %}`,
    lead: `{% if ${byReader} %}Du hast diese Buchung verschoben{% else %}Diese Buchung wurde verschoben{% endif %}.{% if data.status == "pending" %} Am neuen Termin muss sie noch freigegeben werden.{% endif %}`,
    note: `{% if ${booker} %}{% unless ${byReader} %}Wenn ${you.de.dative} der neue Termin nicht passt, sag die Buchung ab oder sprich mit dem Verein.{% endunless %}{% endif %}`,
  },
  facts: [
    ["when", `{{ data.startAt | period: data.endAt, data.timezone }}`],
    ["where", `{{ data.resourceName }}, {{ facility.name }}`],
    ["coach", coach],
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
