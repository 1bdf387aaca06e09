/**
 * subscription.plan_changed, to the facility's administrators. The event carries no currency: the prorated amount is on
 * the invoice.
 */
import type { Template } from "./template.ts"

export const subscriptionChanged: Template = {
  subject: `{{ facility.name }} moves to the plan {{ data.newPlanName }}`,
  short: `{{ facility.name }} moves from {{ data.previousPlanName }} to {{ data.newPlanName }}.`,
  heading: `{% if data.changeType == "upgrade" %}A larger plan{% else %}A smaller plan{% endif %}`,
  lead: `{{ facility.name }} moves from the plan {{ data.previousPlanName }} to {{ data.newPlanName }}.`,
  facts: [
    ["From", `{{ data.effectiveDate | local_time: facility.timezone }}`],
    ["Subscription", `{{ data.subscriptionId }}`],
  ],
  note: "",
}
