/** platform.recovered, to the platform's administrators: mail is taken again, or nothing is open any more. */
import type { Template } from "./template.ts"

const over = `{% case data.trouble %}{% when "mail_held" %}mail is taken again{% when "dead_passes" %}jobs work again{% else %}no dead letter is open{% endcase %}`

export const platformRecovered: Template = {
  subject: `SlotBase: ${over}`,
  short: `Since {{ data.recoveredAt | local_time: facility.timezone }} ${over}.`,
  heading: `{% case data.trouble %}{% when "mail_held" %}Mail is taken again{% when "dead_passes" %}Jobs work again{% else %}No dead letter is open{% endcase %}`,
  lead: `{% case data.trouble %}{% when "mail_held" %}The mail server takes mail again. What waited is sent now.{% when "dead_passes" %}Every actor whose passes had failed has ended a pass well.{% else %}Every dead letter of a handler was put back to work, ignored or resolved.{% endcase %}`,
  facts: [
    ["Began", `{{ data.since | local_time: facility.timezone }}`],
    ["Over since", `{{ data.recoveredAt | local_time: facility.timezone }}`],
    ["Last error", `{{ data.detail }}`],
  ],
  note: `You need not do anything.`,
}
