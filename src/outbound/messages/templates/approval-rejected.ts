/** booking.approval.rejected, to the booker. */
import type { Template } from "./template.ts"
import { reference, when, where, yourBooking } from "./values.ts"

export const approvalRejected: Template = {
  en: {
    subject: `Not approved: {{ resource }}, {{ data.startAt | short_time: facility.timezone }}`,
    short: `{{ facility.name }} did not approve the booking of {{ resource }} on {{ data.startAt | local_time: facility.timezone }}.`,
    heading: `${yourBooking.en.start} was not approved`,
    lead: `{{ facility.name }} did not approve ${yourBooking.en.inside}, and its slot is free again.`,
    note: `You may ask for another time.`,
  },
  de: {
    subject: `Nicht freigegeben: {{ resource }}, {{ data.startAt | short_time: facility.timezone }}`,
    short: `{{ facility.name }} hat die Buchung von {{ resource }} am {{ data.startAt | local_time: facility.timezone }} nicht freigegeben.`,
    heading: `${yourBooking.de.start} wurde nicht freigegeben`,
    lead: `{{ facility.name }} hat ${yourBooking.de.inside} nicht freigegeben. Der Platz ist wieder frei.`,
    note: `Du kannst eine andere Zeit anfragen.`,
  },
  facts: [
    ["when", when],
    ["where", where],
    ["reason", `{{ data.rejectionReason }}`],
    ["reference", reference],
  ],
}
