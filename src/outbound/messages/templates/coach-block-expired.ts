/** coach.block.expired, to the coach. */
import type { Template } from "./template.ts"
import { when, where } from "./values.ts"

export const coachBlockExpired: Template = {
  en: {
    subject: `Block not approved in time: {{ resource }}, {{ data.startAt | short_time: facility.timezone }}`,
    short: `{{ facility.name }} did not decide about your block of {{ resource }} on {{ data.startAt | local_time: facility.timezone }} in time.`,
    heading: `Your block was not approved in time`,
    lead: `{{ facility.name }} did not decide about the block that you asked for before its start. Its time is free again.`,
    note: "",
  },
  de: {
    subject: `Block nicht rechtzeitig freigegeben: {{ resource }}, {{ data.startAt | short_time: facility.timezone }}`,
    short: `{{ facility.name }} hat über deinen Block auf {{ resource }} am {{ data.startAt | local_time: facility.timezone }} nicht rechtzeitig entschieden.`,
    heading: `Dein Block wurde nicht rechtzeitig freigegeben`,
    lead: `{{ facility.name }} hat über den Block, den du angefragt hast, nicht vor dem Beginn entschieden. Die Zeit ist wieder frei.`,
    note: "",
  },
  facts: [
    ["when", when],
    ["where", where],
    ["reference", `{{ data.blockId | short_id }}`],
  ],
}
