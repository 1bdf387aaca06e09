/** coach.block.approved and coach.block.rejected, to the coach. */
import type { Template } from "./template.ts"

const en = `{% if data.rejectedAt %}rejected{% else %}approved{% endif %}`
const de = `{% if data.rejectedAt %}abgelehnt{% else %}freigegeben{% endif %}`

export const coachBlockDecided: Template = {
  en: {
    subject: `{% if data.rejectedAt %}Block rejected{% else %}Block approved{% endif %}: {{ facility.name }}`,
    short: `{{ facility.name }} ${en} your block.`,
    heading: `Your block was ${en}`,
    lead: `{{ facility.name }} ${en} the block that you asked for.`,
    note: "",
  },
  de: {
    subject: `{% if data.rejectedAt %}Block abgelehnt{% else %}Block freigegeben{% endif %}: {{ facility.name }}`,
    short: `{{ facility.name }} hat deinen Block ${de}.`,
    heading: `Dein Block wurde ${de}`,
    lead: `{{ facility.name }} hat den Block ${de}, den du angefragt hast.`,
    note: "",
  },
  facts: [
    ["where", `{{ facility.name }}`],
    ["reason", `{% if data.rejectionReason %}{{ data.rejectionReason }}{% endif %}`],
    ["reference", `{{ data.blockId | short_id }}`],
  ],
}
