/** facility.payments_overdue, to the facility's administrators: one message a day, however many debts there are. */
import type { Template } from "./template.ts"

const sums = (of: string, days: string) =>
  `{% for each in data.totals %}{% if each.stage == "${of}" %}{{ each.count }} ${days}, {{ each.amount | money: each.currency }} {% endif %}{% endfor %}`
const row = (of: string) => ({ en: sums(of, "unpaid"), de: sums(of, "unbezahlt") })
const one = `data.count == 1`

export const overdueOverview: Template = {
  en: {
    subject: `{{ data.count }} unpaid {% if ${one} %}booking has{% else %}bookings have{% endif %} grown old at {{ facility.name }}`,
    short: `{{ data.count }} unpaid {% if ${one} %}booking is{% else %}bookings are{% endif %} 30, 60 or 90 days old at {{ facility.name }}.`,
    heading: `Unpaid bookings of {{ data.day | date }}`,
    lead: `{{ data.count }} unpaid {% if ${one} %}booking of {{ facility.name }} has{% else %}bookings of {{ facility.name }} have{% endif %} become 30, 60 or 90 days old today. Whoever owes the money has a reminder.`,
    note: `The list of open payments has all of them, by account and age. What was paid at the desk leaves it when the payment is recorded.`,
  },
  de: {
    subject: `{{ data.count }} unbezahlte {% if ${one} %}Buchung ist{% else %}Buchungen sind{% endif %} bei {{ facility.name }} alt geworden`,
    short: `{{ data.count }} unbezahlte {% if ${one} %}Buchung ist{% else %}Buchungen sind{% endif %} bei {{ facility.name }} 30, 60 oder 90 Tage alt.`,
    heading: `Unbezahlte Buchungen vom {{ data.day | date }}`,
    lead: `{{ data.count }} unbezahlte {% if ${one} %}Buchung von {{ facility.name }} ist{% else %}Buchungen von {{ facility.name }} sind{% endif %} heute 30, 60 oder 90 Tage alt geworden. Wer das Geld schuldet, hat eine Erinnerung.`,
    note: `Die Liste der offenen Zahlungen hat sie alle, nach Konto und Alter. Was vor Ort bezahlt wurde, verlässt sie, sobald die Zahlung eingetragen ist.`,
  },
  facts: [
    ["days30", row("30_days")],
    ["days60", row("60_days")],
    ["days90", row("90_days")],
    [
      "open",
      `{% for each in data.debts %}{{ each.bookerName }}, {{ each.startAt | short_time: facility.timezone }}: {{ each.amount | money: each.currency }}{% unless forloop.last %} · {% endunless %}{% endfor %}{% if data.count > data.debts.size %} …{% endif %}`,
    ],
  ],
}
