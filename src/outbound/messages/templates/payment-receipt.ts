/** payment.succeeded, to the payer. The message confirms the payment; InvoiceHandler makes the invoice. */
import type { Template } from "./template.ts"
import { coach, paidFor, seePapers } from "./values.ts"

export const paymentReceipt: Template = {
  en: {
    subject: `Payment received: {{ data.amount | money: data.currency }} to {{ facility.name }}`,
    short: `{{ facility.name }} received your payment of {{ data.amount | money: data.currency }}.`,
    heading: `Thank you for your payment`,
    lead: `{{ facility.name }} received your payment of {{ data.amount | money: data.currency }}.`,
    note: "",
  },
  de: {
    subject: `Zahlung erhalten: {{ data.amount | money: data.currency }} an {{ facility.name }}`,
    short: `{{ facility.name }} hat deine Zahlung von {{ data.amount | money: data.currency }} erhalten.`,
    heading: `Danke für deine Zahlung`,
    lead: `{{ facility.name }} hat deine Zahlung von {{ data.amount | money: data.currency }} erhalten.`,
    note: "",
  },
  facts: [
    ["amount", `{{ data.amount | money: data.currency }}`],
    ["date", `{{ occurredAt | local_time: facility.timezone }}`],
    ["paidWith", `{{ data.paymentMethod | words }}`],
    ["paidFor", paidFor],
    ["coach", coach],
    ["reference", `{{ data.transactionId | short_id }}`],
  ],
  action: seePapers,
}
