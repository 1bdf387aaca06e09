/** coach.block.struck, to the coach. */
import type { Template } from "./template.ts"
import { when, where } from "./values.ts"

export const coachBlockStruck: Template = {
  en: {
    subject: `Not open at your block: {{ resource }}, {{ data.startAt | short_time: facility.timezone }}`,
    short: `{{ facility.name }} is not open for your block of {{ resource }} on {{ data.startAt | local_time: facility.timezone }}.`,
    heading: `{{ facility.name }} is not open at the time of your block`,
    lead: `The block still stands. Please tell the students of its sessions.`,
    note: "",
  },
  de: {
    subject: `Geschlossen zu deinem Block: {{ resource }}, {{ data.startAt | short_time: facility.timezone }}`,
    short: `{{ facility.name }} hat zu deinem Block auf {{ resource }} am {{ data.startAt | local_time: facility.timezone }} nicht geöffnet.`,
    heading: `{{ facility.name }} hat zur Zeit deines Blocks nicht geöffnet`,
    lead: `Der Block besteht noch. Bitte sag den Schülern seiner Stunden Bescheid.`,
    note: "",
  },
  facts: [
    ["when", when],
    ["where", where],
    ["reason", `{{ data.reason }}`],
    ["reference", `{{ data.blockId | short_id }}`],
  ],
}
