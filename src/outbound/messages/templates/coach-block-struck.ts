/** coach.block.struck, to the coach. */
import type { Template } from "./template.ts"

export const coachBlockStruck: Template = {
  subject: `Not open at your block: {{ resource }}, {{ data.startAt | short_time: facility.timezone }}`,
  short: `{{ facility.name }} is not open for your block of {{ resource }} on {{ data.startAt | local_time: facility.timezone }}.`,
  heading: `{{ facility.name }} is not open at the time of your block`,
  lead: `The block still stands. Please tell the students of its sessions.`,
  facts: [
    ["When", `{{ data.startAt | period: data.endAt, facility.timezone }}`],
    ["Where", `{{ resource }}, {{ facility.name }}`],
    ["Reason", `{{ data.reason }}`],
    ["Block", `{{ data.blockId }}`],
  ],
  note: "",
}
