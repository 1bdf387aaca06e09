/** payment.failed, to the payer. */
import type { Template } from "./template.ts"
import { paidFor, seeUnpaid } from "./values.ts"

const why = `{% if data.failureCode %}{{ data.failureCode | reason: data.failureReason }}{% else %}{{ data.failureReason }}{% endif %}`

export const paymentFailed: Template = {
  en: {
    subject: `Payment failed: {{ data.amount | money: data.currency }} to {{ facility.name }}`,
    short: `Your payment of {{ data.amount | money: data.currency }} to {{ facility.name }} failed: ${why}`,
    heading: `Your payment failed`,
    lead: `Your payment of {{ data.amount | money: data.currency }} to {{ facility.name }} did not go through. Nothing was charged.`,
    note: `{% if data.nextRetryAt %}We will try again by ourselves. You need not do anything, unless the card is to be another one.{% else %}Please try again, or pay in another way.{% endif %}`,
  },
  de: {
    subject: `Zahlung fehlgeschlagen: {{ data.amount | money: data.currency }} an {{ facility.name }}`,
    short: `Deine Zahlung von {{ data.amount | money: data.currency }} an {{ facility.name }} ist fehlgeschlagen: ${why}`,
    heading: `Deine Zahlung ist fehlgeschlagen`,
    lead: `Deine Zahlung von {{ data.amount | money: data.currency }} an {{ facility.name }} hat nicht geklappt. Es wurde nichts abgebucht.`,
    note: `{% if data.nextRetryAt %}Wir versuchen es von selbst noch einmal. Du musst nichts tun, außer du möchtest eine andere Karte verwenden.{% else %}Bitte versuch es noch einmal oder bezahl auf einem anderen Weg.{% endif %}`,
  },
  facts: [
    ["amount", `{{ data.amount | money: data.currency }}`],
    ["reason", why],
    ["paidFor", paidFor],
    ["nextAttempt", `{% if data.nextRetryAt %}{{ data.nextRetryAt | local_time: facility.timezone }}{% endif %}`],
  ],
  action: seeUnpaid,
}
