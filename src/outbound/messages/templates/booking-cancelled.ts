/**
 * booking.cancelled, to the booker and the other participants. The event carries no currency: a refund has the
 * facility's.
 */
import type { Template } from "./template.ts"
import { reference, seeBooking, subjectWhen, when, where } from "./values.ts"

const refunded = `recipient.as == "booker" and data.refundAmount and data.refundAmount > 0`

export const bookingCancelled: Template = {
  en: {
    subject: `Booking cancelled: ${subjectWhen}`,
    short: `The booking at {{ facility.name }} on ${when} was cancelled.`,
    heading: `{% if recipient.as == "booker" %}Your booking was cancelled{% else %}A booking with you was cancelled{% endif %}`,
    lead: `{% if data.cancelledBy == recipient.userId %}You cancelled this booking{% else %}This booking was cancelled{% endif %}. It does not take place, and you need not come.`,
    note: `{% if ${refunded} %}The refund goes back the way it was paid. A bank takes some days to show it.{% endif %}`,
  },
  de: {
    subject: `Buchung abgesagt: ${subjectWhen}`,
    short: `Die Buchung bei {{ facility.name }} am ${when} wurde abgesagt.`,
    heading: `{% if recipient.as == "booker" %}Deine Buchung wurde abgesagt{% else %}Eine Buchung mit dir wurde abgesagt{% endif %}`,
    lead: `{% if data.cancelledBy == recipient.userId %}Du hast diese Buchung abgesagt{% else %}Diese Buchung wurde abgesagt{% endif %}. Sie findet nicht statt, du musst nicht kommen.`,
    note: `{% if ${refunded} %}Die Erstattung geht auf demselben Weg zurück, auf dem bezahlt wurde. Bei der Bank ist sie nach einigen Tagen zu sehen.{% endif %}`,
  },
  facts: [
    ["when", when],
    ["where", where],
    ["reason", `{{ data.cancellationReason }}`],
    ["refund", `{% if ${refunded} %}{{ data.refundAmount | money: facility.currency }}{% endif %}`],
    ["reference", reference],
  ],
  action: seeBooking,
}
