/** coach.block.approved and coach.block.rejected, to the coach. */
import type { Template } from "./template.ts"

export const coachBlockDecided: Template = {
  subject: `{% if data.rejectedAt %}Block rejected{% else %}Block approved{% endif %}: {{ facility.name }}`,
  short: `{{ facility.name }} {% if data.rejectedAt %}rejected{% else %}approved{% endif %} your block.`,
  heading: `Your block was {% if data.rejectedAt %}rejected{% else %}approved{% endif %}`,
  lead: `{{ facility.name }} {% if data.rejectedAt %}rejected{% else %}approved{% endif %} the block that you asked for.`,
  facts: [
    ["Reason", `{% if data.rejectionReason %}{{ data.rejectionReason }}{% endif %}`],
    ["Block", `{{ data.blockId }}`],
  ],
  note: "",
}
