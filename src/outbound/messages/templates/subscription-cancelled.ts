/** subscription.cancelled, to the facility's administrators. */
import type { Template } from "./template.ts"

export const subscriptionCancelled: Template = {
  subject: `The subscription of {{ facility.name }} was cancelled`,
  short: `The subscription of {{ facility.name }} ends on {{ data.effectiveDate | local_time: facility.timezone }}.`,
  heading: `The subscription was cancelled`,
  lead: `{% if data.cancelAtPeriodEnd %}The subscription of {{ facility.name }} goes on until the end of its period, and is not renewed.{% else %}The subscription of {{ facility.name }} has ended.{% endif %}`,
  facts: [
    ["Ends", `{{ data.effectiveDate | local_time: facility.timezone }}`],
    ["Reason", `{% if data.cancelReason %}{{ data.cancelReason }}{% endif %}`],
    ["Subscription", `{{ data.subscriptionId }}`],
  ],
  note: "",
}
