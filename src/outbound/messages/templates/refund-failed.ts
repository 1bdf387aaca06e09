/** payment.refund_failed, to the facility's administrators: a refund failed, and the money is still here. */
import type { Template } from "./template.ts"

export const refundFailed: Template = {
  subject: `Refund failed: {{ data.amount | money: data.currency }} at {{ facility.name }}`,
  short: `{{ data.amount | money: data.currency }} could not be given back: {{ data.failureReason }}`,
  heading: `A refund failed`,
  lead: `The payment could not be given back, and the money is still with {{ facility.name }}. Try again with another refund of the same payment, or give it back in another way.`,
  facts: [
    ["Amount", `{{ data.amount | money: data.currency }}`],
    ["Why it was to go back", `{{ data.reason }}`],
    ["What the provider says", `{{ data.failureReason }}`],
    ["Payment", `{{ data.transactionId }}`],
  ],
  note: "",
}
