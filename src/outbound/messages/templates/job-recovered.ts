/** facility.job.recovered, to the facility's administrators: a scheduled job of their club works again. */
import { jobInWords } from "./job-words.ts"
import type { Template } from "./template.ts"

export const jobRecovered: Template = {
  en: {
    subject: `{{ facility.name }}: the scheduled job works again ({{ data.job }})`,
    short: `${jobInWords("en")}: the scheduled job works again at {{ facility.name }}.`,
    heading: `A scheduled job works again`,
    lead: `${jobInWords("en")}: the scheduled job of {{ facility.name }} has ended well again.`,
    note: "",
  },
  de: {
    subject: `{{ facility.name }}: Der geplante Job geht wieder ({{ data.job }})`,
    short: `${jobInWords("de")}: Der geplante Job geht bei {{ facility.name }} wieder.`,
    heading: `Ein geplanter Job geht wieder`,
    lead: `${jobInWords("de")}: Der geplante Job von {{ facility.name }} ist wieder gut ausgegangen.`,
    note: "",
  },
  facts: [
    ["failedSince", `{{ data.failingSince | local_time: facility.timezone }}`],
    ["worksSince", `{{ data.recoveredAt | local_time: facility.timezone }}`],
    ["job", `{{ data.job }}`],
  ],
}
