/** subscription.renewed, to the facility's administrators. */
import type { Template } from "./template.ts"

export const subscriptionRenewed: Template = {
  subject: `The subscription of {{ facility.name }} was renewed: {{ data.amount | money: data.currency }}`,
  short: `The subscription of {{ facility.name }} was renewed until {{ data.newPeriodEnd | local_time: facility.timezone }}.`,
  heading: `The subscription was renewed`,
  lead: `The subscription of {{ facility.name }} went into its next period.`,
  facts: [
    ["Amount", `{{ data.amount | money: data.currency }}`],
    ["Until", `{{ data.newPeriodEnd | local_time: facility.timezone }}`],
    ["Subscription", `{{ data.subscriptionId }}`],
  ],
  note: "",
}
