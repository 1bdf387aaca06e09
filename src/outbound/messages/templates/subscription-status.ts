/** subscription.status_changed, to the facility's administrators: unpaid, paid after all, or ended. */
import type { Template } from "./template.ts"

export const subscriptionStatus: Template = {
  subject: `{% case data.reason %}{% when "unpaid" %}The subscription of {{ facility.name }} is not paid{% when "paid" %}The subscription of {{ facility.name }} is paid{% else %}The subscription of {{ facility.name }} has ended{% endcase %}`,
  short: `{% case data.reason %}{% when "unpaid" %}The subscription of {{ facility.name }} could not be paid.{% when "paid" %}The subscription of {{ facility.name }} is paid.{% else %}The subscription of {{ facility.name }} has ended with its period.{% endcase %}`,
  heading: `{% case data.reason %}{% when "unpaid" %}The subscription is not paid{% when "paid" %}The subscription is paid{% else %}The subscription has ended{% endcase %}`,
  lead: `{% case data.reason %}{% when "unpaid" %}The subscription of {{ facility.name }} could not be paid. We will try again; please check how it is paid.{% when "paid" %}The subscription of {{ facility.name }} is paid, and goes on.{% else %}The subscription of {{ facility.name }} has ended with its period.{% endcase %}`,
  facts: [
    ["Since", `{{ data.effectiveDate | local_time: facility.timezone }}`],
    ["Subscription", `{{ data.subscriptionId }}`],
  ],
  note: "",
}
