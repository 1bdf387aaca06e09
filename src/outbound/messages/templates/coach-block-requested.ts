/** coach.block.requested, when the block needs approval, to the facility's administrators. */
import type { Template } from "./template.ts"

export const coachBlockRequested: Template = {
  subject: `{{ data.coachName }} asks for {{ data.resourceName }}: {{ data.startAt | short_time: facility.timezone }}`,
  short: `{{ data.coachName }} asks for {{ data.resourceName }}: {{ data.startAt | period: data.endAt, facility.timezone }}.`,
  heading: `A coach's block waits for approval`,
  lead: `{{ data.coachName }} asks for {{ data.resourceName }}. It is kept until you approve or reject the block.`,
  facts: [
    ["When", `{{ data.startAt | period: data.endAt, facility.timezone }}`],
    ["Where", `{{ data.resourceName }}, {{ facility.name }}`],
    ["Type", `{{ data.blockType | replace: "_", " " | capitalize }}`],
    ["Reason", `{% if data.reason %}{{ data.reason }}{% endif %}`],
    ["Block", `{{ data.blockId }}`],
  ],
  note: "",
}
