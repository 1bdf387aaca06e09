/** platform.recovered, to the platform's administrators: messages are taken again, or nothing is open any more. */
import type { Template } from "./template.ts"

const en = `{% case data.trouble %}{% when "mail_held" %}mail is taken again{% when "texts_held" %}text messages are taken again{% when "dead_passes", "failing_jobs" %}jobs work again{% else %}no dead letter is open{% endcase %}`
const de = `{% case data.trouble %}{% when "mail_held" %}Mail wird wieder angenommen{% when "texts_held" %}SMS werden wieder angenommen{% when "dead_passes", "failing_jobs" %}Jobs laufen wieder{% else %}Kein Dead Letter ist offen{% endcase %}`

export const platformRecovered: Template = {
  en: {
    subject: `SlotBase: ${en}`,
    short: `Since {{ data.recoveredAt | local_time: facility.timezone }} ${en}.`,
    heading: `{% case data.trouble %}{% when "mail_held" %}Mail is taken again{% when "texts_held" %}Text messages are taken again{% when "dead_passes", "failing_jobs" %}Jobs work again{% else %}No dead letter is open{% endcase %}`,
    lead: `{% case data.trouble %}{% when "mail_held" %}The mail server takes mail again. What waited is sent now.{% when "texts_held" %}The provider takes text messages again. What waited is sent now.{% when "dead_passes" %}Every actor whose passes had failed has ended a pass well.{% when "failing_jobs" %}Every scheduled job that had failed has ended a run well.{% else %}Every dead letter of a handler was put back to work, ignored or resolved.{% endcase %}`,
    note: `You need not do anything.`,
  },
  de: {
    subject: `SlotBase: ${de}`,
    short: `${de}, seit {{ data.recoveredAt | local_time: facility.timezone }}.`,
    heading: de,
    lead: `{% case data.trouble %}{% when "mail_held" %}Der Mailserver nimmt wieder Mail an. Was gewartet hat, wird jetzt gesendet.{% when "texts_held" %}Der Anbieter nimmt wieder SMS an. Was gewartet hat, wird jetzt gesendet.{% when "dead_passes" %}Jeder Aktor, dessen Durchgänge fehlgeschlagen waren, hat wieder einen gut beendet.{% when "failing_jobs" %}Jeder geplante Job, der fehlgeschlagen war, ist wieder gut gelaufen.{% else %}Jeder Dead Letter eines Handlers wurde wieder aufgenommen, übergangen oder erledigt.{% endcase %}`,
    note: `Du musst nichts tun.`,
  },
  facts: [
    ["began", `{{ data.since | local_time: facility.timezone }}`],
    ["overSince", `{{ data.recoveredAt | local_time: facility.timezone }}`],
    ["lastError", `{{ data.detail }}`],
  ],
}
