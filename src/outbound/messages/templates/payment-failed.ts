/** payment.failed, to the payer. */
import type { Template } from "./template.ts"

export const paymentFailed: Template = {
  subject: `Payment failed: {{ data.amount | money: data.currency }} to {{ facility.name }}`,
  short: `Your payment of {{ data.amount | money: data.currency }} to {{ facility.name }} failed: {{ data.failureReason }}`,
  heading: `Your payment failed`,
  lead: `Your payment of {{ data.amount | money: data.currency }} to {{ facility.name }} did not go through. Nothing was charged.`,
  facts: [
    ["Amount", `{{ data.amount | money: data.currency }}`],
    ["Reason", `{{ data.failureReason }}`],
    ["For", `{{ data.referenceType | capitalize }} {{ data.referenceId }}`],
    ["Next attempt", `{% if data.nextRetryAt %}{{ data.nextRetryAt | local_time: facility.timezone }}{% endif %}`],
  ],
  note: `{% if data.nextRetryAt %}We will try again by ourselves.{% else %}Please try again, or pay in another way.{% endif %}`,
}
