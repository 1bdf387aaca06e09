/** facility.job.failing, to the facility's administrators: what their club lacks, since when, and what they can do. */
import { jobInWords } from "./job-words.ts"
import type { Template } from "./template.ts"

/** A bill of the month before is issued by a run in this month. */
const billing = (words: string) => `{% if data.job == "monthly-billing" %} ${words}{% endif %}`

export const jobFailing: Template = {
  en: {
    subject: `{{ facility.name }}: a scheduled job fails ({{ data.job }})`,
    short: `${jobInWords("en")}: the scheduled job fails at {{ facility.name }} since {{ data.failingSince | local_time: facility.timezone }}.`,
    heading: `A scheduled job fails`,
    lead: `${jobInWords("en")}: the scheduled job of {{ facility.name }} failed {% case data.stage %}{% when "at_once" %}at every attempt{% when "one_day" %}a day ago, and has not ended well since{% else %}a week ago, and has not ended well since{% endcase %}. Those who run SlotBase know of it.`,
    note: `If the last error names something that you can mend, such as a setting, mend it. Then run the job by hand through the API, or ask those who run SlotBase to do so. We tell you when it works again.${billing("This must be in the same month: a run bills the month before it.")}`,
  },
  de: {
    subject: `{{ facility.name }}: Ein geplanter Job schlägt fehl ({{ data.job }})`,
    short: `${jobInWords("de")}: Der geplante Job schlägt bei {{ facility.name }} seit {{ data.failingSince | local_time: facility.timezone }} fehl.`,
    heading: `Ein geplanter Job schlägt fehl`,
    lead: `${jobInWords("de")}: Der geplante Job von {{ facility.name }} ist {% case data.stage %}{% when "at_once" %}bei jedem Versuch fehlgeschlagen{% when "one_day" %}vor einem Tag fehlgeschlagen und seitdem nicht gut ausgegangen{% else %}vor einer Woche fehlgeschlagen und seitdem nicht gut ausgegangen{% endcase %}. Wer SlotBase betreibt, weiß davon.`,
    note: `Wenn der letzte Fehler etwas nennt, das ihr beheben könnt, etwa eine Einstellung, dann behebt es. Lasst den Job danach über die API von Hand laufen, oder bittet die Betreiber von SlotBase darum. Wir sagen Bescheid, wenn er wieder geht.${billing("Das muss noch in diesem Monat sein: Ein Lauf berechnet den Monat davor.")}`,
  },
  facts: [
    ["since", `{{ data.failingSince | local_time: facility.timezone }}`],
    ["lastError", `{{ data.lastError }}`],
    ["job", `{{ data.job }}`],
  ],
}
