/** subscription.limit_warning, to the facility's administrators. */
import type { Template } from "./template.ts"

export const limitWarning: Template = {
  subject: `{{ facility.name }} {% case data.warningLevel %}{% when "approaching" %}is close to its limit{% when "at_limit" %}has reached its limit{% else %}is over its limit{% endcase %}: {{ data.entitlementType | replace: "_", " " }}`,
  short: `{{ facility.name }} uses {{ data.currentUsage }} of {{ data.limit }} {{ data.entitlementType | replace: "_", " " }}.`,
  heading: `{% case data.warningLevel %}{% when "approaching" %}Close to the limit{% when "at_limit" %}Limit reached{% else %}Over the limit{% endcase %}`,
  lead: `{{ facility.name }} uses {{ data.currentUsage }} of the {{ data.limit }} {{ data.entitlementType | replace: "_", " " }} that its plan includes.`,
  facts: [
    ["Limit of", `{{ data.entitlementType | replace: "_", " " | capitalize }}`],
    ["Used", `{{ data.currentUsage }} of {{ data.limit }} ({{ data.percentUsed | round }} %)`],
    ["Suggestion", `{{ data.recommendedAction }}`],
    ["Subscription", `{{ data.subscriptionId }}`],
  ],
  note: "",
}
