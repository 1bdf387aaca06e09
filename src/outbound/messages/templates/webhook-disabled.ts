/** webhook.disabled, to the facility's administrators: SlotBase switched a webhook off by itself. */
import type { Template } from "./template.ts"
import { waiting } from "./webhook-waiting.ts"

export const webhookDisabled: Template = {
  en: {
    subject: `Your webhook is switched off: {{ data.name }}`,
    short: `{{ data.name }} at {{ data.host }} is switched off: {{ data.reason }}`,
    heading: `A webhook is switched off`,
    lead: `The webhook {{ data.name }} of {{ facility.name }} is switched off: {{ data.reason }}. Nothing more is sent to {{ data.host }}.`,
    note: `If the receiver should go on, give the webhook its right address and switch it on again. What waits is then sent. If it is gone for good, delete the webhook.`,
  },
  de: {
    subject: `Dein Webhook ist abgeschaltet: {{ data.name }}`,
    short: `{{ data.name }} ({{ data.host }}) ist abgeschaltet: {{ data.reason }}`,
    heading: `Ein Webhook ist abgeschaltet`,
    lead: `Der Webhook {{ data.name }} von {{ facility.name }} ist abgeschaltet: {{ data.reason }}. An {{ data.host }} wird nichts mehr gesendet.`,
    note: `Wenn der Empfänger weiterlaufen soll, gib dem Webhook die richtige Adresse und schalte ihn wieder ein. Was wartet, wird dann gesendet. Wenn es ihn nicht mehr gibt, lösch den Webhook.`,
  },
  facts: [
    ["since", `{{ data.disabledAt | local_time: facility.timezone }}`],
    ["reason", `{{ data.reason }}`],
    ["waiting", waiting],
    ["webhook", `{{ data.webhookId }}`],
  ],
}
