/** webhook.recovered, to the facility's administrators: an endpoint takes events again. */
import type { Template } from "./template.ts"
import { givenUp, waiting } from "./webhook-waiting.ts"

export const webhookRecovered: Template = {
  en: {
    subject: `Your webhook works again: {{ data.name }}`,
    short: `{{ data.name }} at {{ data.host }} takes events again since {{ data.recoveredAt | local_time: facility.timezone }}`,
    heading: `A webhook works again`,
    lead: `The webhook {{ data.name }} of {{ facility.name }} takes events again. What waited is sent now.`,
    note: `{% if data.givenUp > 0 %}What was given up is not sent by itself: send it again from the dead letters.{% else %}You need not do anything.{% endif %}`,
  },
  de: {
    subject: `Dein Webhook geht wieder: {{ data.name }}`,
    short: `{{ data.name }} ({{ data.host }}) nimmt seit {{ data.recoveredAt | local_time: facility.timezone }} wieder Ereignisse an`,
    heading: `Ein Webhook geht wieder`,
    lead: `Der Webhook {{ data.name }} von {{ facility.name }} nimmt wieder Ereignisse an. Was gewartet hat, wird jetzt gesendet.`,
    note: `{% if data.givenUp > 0 %}Was aufgegeben wurde, wird nicht von selbst gesendet: Send es aus den Dead Letters noch einmal.{% else %}Du musst nichts tun.{% endif %}`,
  },
  facts: [
    ["failedSince", `{{ data.failingSince | local_time: facility.timezone }}`],
    ["worksSince", `{{ data.recoveredAt | local_time: facility.timezone }}`],
    ["stillWaiting", waiting],
    ["givenUp", givenUp],
    ["webhook", `{{ data.webhookId }}`],
  ],
}
