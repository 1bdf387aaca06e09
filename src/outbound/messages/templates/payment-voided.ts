/** booking.payment_voided, to the payer and the booker: the payment came too late and is refunded. */
import type { Template } from "./template.ts"
import { reference, when, where } from "./values.ts"

export const paymentVoided: Template = {
  en: {
    subject: `Your payment goes back: {{ resource }}, {{ data.startAt | short_time: facility.timezone }}`,
    short: `The payment of {{ data.amount | money: data.currency }} came too late for {{ resource }} at {{ facility.name }}, and goes back in full.`,
    heading: `The booking could not be kept`,
    lead: `The payment arrived, but {% case data.reason %}{% when "slot_taken" %}the slot had been taken by somebody else{% when "released" %}the slot had been given back{% when "not_available" %}its time had begun or is closed{% else %}the booking had been cancelled{% endcase %}. All of it is given back.`,
    note: `{% if data.alternatives.size > 0 %}If one of the times that are still free suits you, book it soon.{% endif %}`,
  },
  de: {
    subject: `Deine Zahlung geht zurück: {{ resource }}, {{ data.startAt | short_time: facility.timezone }}`,
    short: `Die Zahlung von {{ data.amount | money: data.currency }} kam zu spät für {{ resource }} bei {{ facility.name }} und geht ganz zurück.`,
    heading: `Die Buchung war nicht zu halten`,
    lead: `Die Zahlung ist angekommen, aber {% case data.reason %}{% when "slot_taken" %}jemand anderes hatte den Platz inzwischen gebucht{% when "released" %}der Platz war schon zurückgegeben{% when "not_available" %}die Zeit hatte schon begonnen, oder es ist dann geschlossen{% else %}die Buchung war schon abgesagt{% endcase %}. Du bekommst alles zurück.`,
    note: `{% if data.alternatives.size > 0 %}Wenn dir eine der noch freien Zeiten passt, buch sie bald.{% endif %}`,
  },
  facts: [
    ["when", when],
    ["where", where],
    ["givenBack", `{{ data.amount | money: data.currency }}`],
    [
      "stillFree",
      `{% for slot in data.alternatives %}{{ slot.startAt | period: slot.endAt, facility.timezone }}{% unless forloop.last %}; {% endunless %}{% endfor %}`,
    ],
    ["reference", reference],
  ],
}
