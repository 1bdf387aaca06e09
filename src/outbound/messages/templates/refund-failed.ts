/** payment.refund_failed, to the facility's administrators: a refund failed, and the money is still here. */
import type { Template } from "./template.ts"
import { paidFor } from "./values.ts"

const why = `{% if data.failureCode %}{{ data.failureCode | reason: data.failureReason }}{% else %}{{ data.failureReason }}{% endif %}`

export const refundFailed: Template = {
  en: {
    subject: `Refund failed: {{ data.amount | money: data.currency }} at {{ facility.name }}`,
    short: `{{ data.amount | money: data.currency }} could not be given back: ${why}`,
    heading: `A refund failed`,
    lead: `The payment could not be given back, and the money is still with {{ facility.name }}.`,
    note: `Try again with another refund of the same payment, or give it back in another way.`,
  },
  de: {
    subject: `Erstattung fehlgeschlagen: {{ data.amount | money: data.currency }} bei {{ facility.name }}`,
    short: `{{ data.amount | money: data.currency }} ließen sich nicht erstatten: ${why}`,
    heading: `Eine Erstattung ist fehlgeschlagen`,
    lead: `Die Zahlung ließ sich nicht erstatten. Das Geld ist noch bei {{ facility.name }}.`,
    note: `Versuch es mit einer weiteren Erstattung derselben Zahlung, oder gib das Geld auf einem anderen Weg zurück.`,
  },
  facts: [
    ["amount", `{{ data.amount | money: data.currency }}`],
    ["wasToGoBack", `{{ data.reason }}`],
    ["providerSays", why],
    ["paidFor", paidFor],
    ["reference", `{{ data.transactionId | short_id }}`],
  ],
}
