/** coach.block.requested, when the block needs approval, to the facility's administrators. */
import type { Template } from "./template.ts"
import { when } from "./values.ts"

export const coachBlockRequested: Template = {
  en: {
    subject: `{{ data.coachName }} asks for {{ data.resourceName }}: {{ data.startAt | short_time: facility.timezone }}`,
    short: `{{ data.coachName }} asks for {{ data.resourceName }}: ${when}.`,
    heading: `A coach's block waits for approval`,
    lead: `{{ data.coachName }} asks for {{ data.resourceName }}. It is kept until you approve or reject the block.`,
    note: `Please decide before it begins; otherwise its time becomes free again.`,
  },
  de: {
    subject: `{{ data.coachName }} fragt {{ data.resourceName }} an: {{ data.startAt | short_time: facility.timezone }}`,
    short: `{{ data.coachName }} fragt {{ data.resourceName }} an: ${when}.`,
    heading: `Ein Trainer-Block wartet auf Freigabe`,
    lead: `{{ data.coachName }} fragt {{ data.resourceName }} an. Der Platz bleibt reserviert, bis du den Block freigibst oder ablehnst.`,
    note: `Bitte entscheide vor dem Beginn, sonst wird die Zeit wieder frei.`,
  },
  facts: [
    ["when", when],
    ["where", `{{ data.resourceName }}, {{ facility.name }}`],
    ["kind", `{{ data.blockType | words }}`],
    ["reason", `{% if data.reason %}{{ data.reason }}{% endif %}`],
    ["reference", `{{ data.blockId | short_id }}`],
  ],
}
