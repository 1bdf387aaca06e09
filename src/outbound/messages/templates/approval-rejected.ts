/** booking.approval.rejected, to the booker. */
import type { Template } from "./template.ts"
import { reference, when, where } from "./values.ts"

export const approvalRejected: Template = {
  en: {
    subject: `Not approved: {{ resource }}, {{ data.startAt | short_time: facility.timezone }}`,
    short: `{{ facility.name }} did not approve your booking of {{ resource }} on {{ data.startAt | local_time: facility.timezone }}.`,
    heading: `Your booking was not approved`,
    lead: `{{ facility.name }} did not approve your booking, and its slot is free again.`,
    note: `You may ask for another time.`,
  },
  de: {
    subject: `Nicht freigegeben: {{ resource }}, {{ data.startAt | short_time: facility.timezone }}`,
    short: `{{ facility.name }} hat deine Buchung von {{ resource }} am {{ data.startAt | local_time: facility.timezone }} nicht freigegeben.`,
    heading: `Deine Buchung wurde nicht freigegeben`,
    lead: `{{ facility.name }} hat deine Buchung nicht freigegeben. Der Platz ist wieder frei.`,
    note: `Du kannst eine andere Zeit anfragen.`,
  },
  facts: [
    ["when", when],
    ["where", where],
    ["reason", `{{ data.rejectionReason }}`],
    ["reference", reference],
  ],
}
