/**
 * subscription.plan_changed, to the facility's administrators. The event carries no currency: the prorated amount is on
 * the invoice.
 */
import type { Template } from "./template.ts"

export const subscriptionChanged: Template = {
  en: {
    subject: `{{ facility.name }} moves to the plan {{ data.newPlanName }}`,
    short: `{{ facility.name }} moves from {{ data.previousPlanName }} to {{ data.newPlanName }}.`,
    heading: `{% if data.changeType == "upgrade" %}A larger plan{% else %}A smaller plan{% endif %}`,
    lead: `{{ facility.name }} moves from the plan {{ data.previousPlanName }} to {{ data.newPlanName }}.`,
    note: "",
  },
  de: {
    subject: `{{ facility.name }} wechselt in den Tarif {{ data.newPlanName }}`,
    short: `{{ facility.name }} wechselt von {{ data.previousPlanName }} zu {{ data.newPlanName }}.`,
    heading: `{% if data.changeType == "upgrade" %}Ein größerer Tarif{% else %}Ein kleinerer Tarif{% endif %}`,
    lead: `{{ facility.name }} wechselt vom Tarif {{ data.previousPlanName }} zu {{ data.newPlanName }}.`,
    note: "",
  },
  facts: [
    ["from", `{{ data.effectiveDate | local_time: facility.timezone }}`],
    ["reference", `{{ data.subscriptionId | short_id }}`],
  ],
}
