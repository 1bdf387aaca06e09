/** webhook.disabled, to the facility's administrators: SlotBase switched a webhook off by itself. */
import type { Template } from "./template.ts"
import { waiting } from "./webhook-waiting.ts"

export const webhookDisabled: Template = {
  subject: `Your webhook is switched off: {{ data.name }}`,
  short: `{{ data.name }} at {{ data.host }} is switched off: {{ data.reason }}`,
  heading: `A webhook is switched off`,
  lead: `The webhook {{ data.name }} of {{ facility.name }} is switched off: {{ data.reason }}. Nothing more is sent to {{ data.host }}.`,
  facts: [
    ["Since", `{{ data.disabledAt | local_time: facility.timezone }}`],
    ["Reason", `{{ data.reason }}`],
    ["Waiting", waiting],
    ["Webhook", `{{ data.webhookId }}`],
  ],
  note: `If the receiver should go on, give the webhook its right address and switch it on again. What waits is then sent. If it is gone for good, delete the webhook.`,
}
