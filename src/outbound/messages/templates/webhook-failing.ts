/** webhook.failing, to the facility's administrators: an endpoint fails, since when, what waits, and what to do. */
import type { Template } from "./template.ts"
import { givenUp, waiting } from "./webhook-waiting.ts"

export const webhookFailing: Template = {
  en: {
    subject: `{% if data.stage == "given_up" %}Events were given up: {{ data.name }}{% else %}Your webhook fails: {{ data.name }}{% endif %}`,
    short: `{{ data.name }} at {{ data.host }} has not taken an event since {{ data.failingSince | local_time: facility.timezone }}: {{ data.lastError }}`,
    heading: `{% if data.stage == "given_up" %}Events were given up{% else %}A webhook fails{% endif %}`,
    lead: `The webhook {{ data.name }} of {{ facility.name }} has not taken an event {% case data.stage %}{% when "fifteen_minutes" %}for 15 minutes{% when "one_hour" %}for an hour{% when "one_day" %}for a day{% else %}for so long that some were given up{% endcase %}. Its receiver at {{ data.host }} does not answer as it should.`,
    note: `Please check the receiver. What waits is sent by itself when it answers again, and we tell you then. What was given up can be sent again from the dead letters. If the receiver is gone for good, pause or delete the webhook.`,
  },
  de: {
    subject: `{% if data.stage == "given_up" %}Ereignisse wurden aufgegeben: {{ data.name }}{% else %}Dein Webhook ist gestört: {{ data.name }}{% endif %}`,
    short: `{{ data.name }} ({{ data.host }}) nimmt seit {{ data.failingSince | local_time: facility.timezone }} kein Ereignis an: {{ data.lastError }}`,
    heading: `{% if data.stage == "given_up" %}Ereignisse wurden aufgegeben{% else %}Ein Webhook ist gestört{% endif %}`,
    lead: `Der Webhook {{ data.name }} von {{ facility.name }} nimmt {% case data.stage %}{% when "fifteen_minutes" %}seit 15 Minuten{% when "one_hour" %}seit einer Stunde{% when "one_day" %}seit einem Tag{% else %}schon so lange, dass einiges aufgegeben wurde,{% endcase %} kein Ereignis an. Der Empfänger {{ data.host }} antwortet nicht, wie er soll.`,
    note: `Bitte prüf den Empfänger. Was wartet, wird von selbst gesendet, sobald er wieder antwortet, und wir sagen dir dann Bescheid. Was aufgegeben wurde, lässt sich aus den Dead Letters noch einmal senden. Wenn es den Empfänger nicht mehr gibt, pausiere oder lösch den Webhook.`,
  },
  facts: [
    ["since", `{{ data.failingSince | local_time: facility.timezone }}`],
    ["lastError", `{{ data.lastError }}`],
    ["waiting", waiting],
    ["givenUp", givenUp],
    ["webhook", `{{ data.webhookId }}`],
  ],
}
