/** webhook.recovered, to the facility's administrators: an endpoint takes events again. */
import type { Template } from "./template.ts"
import { waiting } from "./webhook-waiting.ts"

export const webhookRecovered: Template = {
  subject: `Your webhook works again: {{ data.name }}`,
  short: `{{ data.name }} at {{ data.host }} takes events again since {{ data.recoveredAt | local_time: facility.timezone }}`,
  heading: `A webhook works again`,
  lead: `The webhook {{ data.name }} of {{ facility.name }} takes events again. What waited is sent now.`,
  facts: [
    ["It had failed since", `{{ data.failingSince | local_time: facility.timezone }}`],
    ["Works again since", `{{ data.recoveredAt | local_time: facility.timezone }}`],
    ["Still waiting", waiting],
    ["Given up", `{% if data.givenUp > 0 %}{{ data.givenUp }}, kept as dead letters{% endif %}`],
    ["Webhook", `{{ data.webhookId }}`],
  ],
  note: `{% if data.givenUp > 0 %}What was given up is not sent by itself: send it again from the dead letters.{% else %}You need not do anything.{% endif %}`,
}
