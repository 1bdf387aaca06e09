/** webhook.failing, to the facility's administrators: an endpoint fails, since when, what waits, and what to do. */
import type { Template } from "./template.ts"
import { waiting } from "./webhook-waiting.ts"

export const webhookFailing: Template = {
  subject: `{% if data.stage == "given_up" %}Events were given up: {{ data.name }}{% else %}Your webhook fails: {{ data.name }}{% endif %}`,
  short: `{{ data.name }} at {{ data.host }} has not taken an event since {{ data.failingSince | local_time: facility.timezone }}: {{ data.lastError }}`,
  heading: `{% if data.stage == "given_up" %}Events were given up{% else %}A webhook fails{% endif %}`,
  lead: `The webhook {{ data.name }} of {{ facility.name }} has not taken an event {% case data.stage %}{% when "fifteen_minutes" %}for 15 minutes{% when "one_hour" %}for an hour{% when "one_day" %}for a day{% else %}for so long that some were given up{% endcase %}. Its receiver at {{ data.host }} does not answer as it should.`,
  facts: [
    ["Since", `{{ data.failingSince | local_time: facility.timezone }}`],
    ["Last error", `{{ data.lastError }}`],
    ["Waiting", waiting],
    ["Given up", `{% if data.givenUp > 0 %}{{ data.givenUp }}, kept as dead letters{% endif %}`],
    ["Webhook", `{{ data.webhookId }}`],
  ],
  note: `Please check the receiver. What waits is sent by itself when it answers again, and we tell you then. What was given up can be sent again from the dead letters. If the receiver is gone for good, pause or delete the webhook.`,
}
