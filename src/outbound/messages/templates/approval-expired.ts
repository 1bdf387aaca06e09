/** booking.approval.expired, to the booker. The event carries no currency: a refund has the facility's. */
import type { Template } from "./template.ts"
import { reference, when, where, yourBooking } from "./values.ts"

export const approvalExpired: Template = {
  en: {
    subject: `Not approved in time: {{ resource }}, {{ data.startAt | short_time: facility.timezone }}`,
    short: `{{ facility.name }} did not decide about the booking of {{ resource }} on {{ data.startAt | local_time: facility.timezone }} in time.`,
    heading: `${yourBooking.en.start} was not approved in time`,
    lead: `{{ facility.name }} did not decide about ${yourBooking.en.inside} before its start, so it does not take place.`,
    note: "",
  },
  de: {
    subject: `Nicht rechtzeitig freigegeben: {{ resource }}, {{ data.startAt | short_time: facility.timezone }}`,
    short: `{{ facility.name }} hat über die Buchung von {{ resource }} am {{ data.startAt | local_time: facility.timezone }} nicht rechtzeitig entschieden.`,
    heading: `${yourBooking.de.start} wurde nicht rechtzeitig freigegeben`,
    lead: `{{ facility.name }} hat vor dem Beginn nicht über ${yourBooking.de.inside} entschieden. Sie findet deshalb nicht statt.`,
    note: "",
  },
  facts: [
    ["when", when],
    ["where", where],
    ["refund", `{% if data.refundAmount > 0 %}{{ data.refundAmount | money: facility.currency }}{% endif %}`],
    ["reference", reference],
  ],
}
