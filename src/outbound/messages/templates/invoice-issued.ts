/** invoice.issued, to who pays for the account: the invoice over a month, with its link. */
import { payBy, payNote } from "./how-to-pay.ts"
import type { Template } from "./template.ts"

const amount = `{{ data.amount | money: data.currency }}`

export const invoiceIssued: Template = {
  en: {
    subject: `Invoice {{ data.number }} from {{ facility.name }}: ${amount}`,
    short: `{{ facility.name }} has sent you invoice {{ data.number }} over ${amount}, due on {{ data.dueOn | date }}.`,
    heading: `Your invoice`,
    lead: `Here is your invoice over {{ data.bookings }} unpaid {% if data.bookings == 1 %}booking{% else %}bookings{% endif %} at {{ facility.name }}, from {{ data.periodStart | date }} to {{ data.periodEnd | date }}. Please pay ${amount} by {{ data.dueOn | date }}.`,
    note: payNote.en,
  },
  de: {
    subject: `Rechnung {{ data.number }} von {{ facility.name }}: ${amount}`,
    short: `{{ facility.name }} hat dir die Rechnung {{ data.number }} über ${amount} geschickt, fällig am {{ data.dueOn | date }}.`,
    heading: `Deine Rechnung`,
    lead: `Hier ist deine Rechnung über {{ data.bookings }} unbezahlte {% if data.bookings == 1 %}Buchung{% else %}Buchungen{% endif %} bei {{ facility.name }}, vom {{ data.periodStart | date }} bis {{ data.periodEnd | date }}. Bitte bezahl ${amount} bis {{ data.dueOn | date }}.`,
    note: payNote.de,
  },
  facts: [
    ["amount", amount],
    ["dueOn", `{{ data.dueOn | date }}`],
    [
      "period",
      {
        en: `{{ data.periodStart | date }} to {{ data.periodEnd | date }}`,
        de: `{{ data.periodStart | date }} bis {{ data.periodEnd | date }}`,
      },
    ],
    ["payTo", payBy],
    ["reference", `{{ data.number }}`],
  ],
  action: { to: "booking", en: "See the invoice", de: "Rechnung ansehen" },
}
