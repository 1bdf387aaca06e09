/** payment.succeeded, to the payer. The message confirms the payment; InvoiceHandler makes the invoice. */
import type { Template } from "./template.ts"

export const paymentReceipt: Template = {
  subject: `Payment received: {{ data.amount | money: data.currency }} to {{ facility.name }}`,
  short: `{{ facility.name }} received your payment of {{ data.amount | money: data.currency }}.`,
  heading: `Thank you for your payment`,
  lead: `{{ facility.name }} received your payment of {{ data.amount | money: data.currency }}.`,
  facts: [
    ["Amount", `{{ data.amount | money: data.currency }}`],
    ["Date", `{{ occurredAt | local_time: facility.timezone }}`],
    ["Paid with", `{{ data.paymentMethod | replace: "_", " " }}`],
    ["For", `{{ data.referenceType | capitalize }} {{ data.referenceId }}`],
    ["Transaction", `{{ data.transactionId }}`],
  ],
  note: "",
}
