/** coach.block.approved and coach.block.rejected, to the coach. */
import type { Template } from "./template.ts"
import { bookedWhen, where } from "./values.ts"

const subjectOf = `{% if booking %}{% if resource != "" %}{{ resource }}, {% endif %}{{ booking.startAt | short_time: facility.timezone }}{% else %}{{ facility.name }}{% endif %}`
const en = `{% if data.rejectedAt %}rejected{% else %}approved{% endif %}`
const de = `{% if data.rejectedAt %}abgelehnt{% else %}freigegeben{% endif %}`

export const coachBlockDecided: Template = {
  en: {
    subject: `{% if data.rejectedAt %}Block rejected{% else %}Block approved{% endif %}: ${subjectOf}`,
    short: `{{ facility.name }} ${en} your block{% if booking %}: ${bookedWhen}{% endif %}.`,
    heading: `Your block was ${en}`,
    lead: `{{ facility.name }} ${en} the block that you asked for.`,
    note: "",
  },
  de: {
    subject: `{% if data.rejectedAt %}Block abgelehnt{% else %}Block freigegeben{% endif %}: ${subjectOf}`,
    short: `{{ facility.name }} hat deinen Block ${de}{% if booking %}: ${bookedWhen}{% endif %}.`,
    heading: `Dein Block wurde ${de}`,
    lead: `{{ facility.name }} hat den Block ${de}, den du angefragt hast.`,
    note: "",
  },
  facts: [
    ["when", bookedWhen],
    ["where", where],
    ["reason", `{% if data.rejectionReason %}{{ data.rejectionReason }}{% endif %}`],
    ["reference", `{{ data.blockId | short_id }}`],
  ],
}
