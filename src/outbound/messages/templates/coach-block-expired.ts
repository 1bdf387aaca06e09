/** coach.block.expired, to the coach. */
import type { Template } from "./template.ts"

export const coachBlockExpired: Template = {
  subject: `Block not approved in time: {{ resource }}, {{ data.startAt | short_time: facility.timezone }}`,
  short: `{{ facility.name }} did not decide about your block of {{ resource }} on {{ data.startAt | local_time: facility.timezone }} in time.`,
  heading: `Your block was not approved in time`,
  lead: `{{ facility.name }} did not decide about the block that you asked for before its start. Its time is free again.`,
  facts: [
    ["When", `{{ data.startAt | period: data.endAt, facility.timezone }}`],
    ["Where", `{{ resource }}, {{ facility.name }}`],
    ["Block", `{{ data.blockId }}`],
  ],
  note: "",
}
