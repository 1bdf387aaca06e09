/** booking.payment_overdue, to who owes it: three steps, each firmer than the one before. */

import { payBy, payNote } from "./how-to-pay.ts"
import type { Template } from "./template.ts"
import { reference, seeBooking } from "./values.ts"

const amount = `{{ data.amount | money: data.currency }}`
const date = `{{ data.startAt | short_time: facility.timezone }}`
/** A sentence for each step. */
const step = (first: string, second: string, third: string) =>
  `{% case data.stage %}{% when "30_days" %}${first}{% when "60_days" %}${second}{% else %}${third}{% endcase %}`

export const paymentOverdue: Template = {
  en: {
    subject: `${step("Still open", "Reminder", "Last reminder")}: ${amount} for ${date}`,
    short: `${amount} to {{ facility.name }} has been open since ${date}. ${step("Please pay it.", "Please pay it soon.", "Please pay it now.")}`,
    heading: step("A payment is still open", "Please pay soon", "Please pay now"),
    lead: step(
      `Your booking took place {{ data.ageDays }} days ago, and ${amount} is still open. It may just have been forgotten.`,
      `${amount} for your booking has been open for {{ data.ageDays }} days. Please pay it within a week.`,
      `After {{ data.ageDays }} days ${amount} for your booking is still open. Please pay it at once, or talk to {{ facility.name }}, so that nothing further has to follow.`,
    ),
    note: payNote.en,
  },
  de: {
    subject: `${step("Noch offen", "Erinnerung", "Letzte Erinnerung")}: ${amount} für ${date}`,
    short: `Bei {{ facility.name }} sind ${amount} seit ${date} offen. ${step("Bitte bezahl sie.", "Bitte bezahl sie bald.", "Bitte bezahl sie jetzt.")}`,
    heading: step("Eine Zahlung ist noch offen", "Bitte bezahl bald", "Bitte bezahl jetzt"),
    lead: step(
      `Deine Buchung war vor {{ data.ageDays }} Tagen, und ${amount} sind noch offen. Vielleicht wurde es nur vergessen.`,
      `${amount} für deine Buchung sind seit {{ data.ageDays }} Tagen offen. Bitte bezahl innerhalb einer Woche.`,
      `Nach {{ data.ageDays }} Tagen sind ${amount} für deine Buchung noch immer offen. Bitte bezahl sofort oder sprich mit {{ facility.name }}, damit nichts weiter folgen muss.`,
    ),
    note: payNote.de,
  },
  facts: [
    ["amount", amount],
    ["when", `{{ data.startAt | period: data.endAt, facility.timezone }}`],
    ["where", `{{ data.resourceName }}, {{ facility.name }}`],
    ["booker", `{% if data.bookerId != recipient.userId %}{{ data.bookerName }}{% endif %}`],
    ["payTo", payBy],
    ["reference", reference],
  ],
  action: seeBooking,
}
