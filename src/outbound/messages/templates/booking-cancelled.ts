/**
 * booking.cancelled, to the booker, the other participants and the coach of a lesson. The event carries no
 * currency: a refund has the facility's.
 */
import type { Template } from "./template.ts"
import {
  coach,
  didIt,
  ofChild,
  reference,
  refundWay,
  seeBooking,
  subjectWhen,
  when,
  where,
  you,
  yourBooking,
} from "./values.ts"

const refunded = `recipient.as == "booker" and data.refundAmount and data.refundAmount > 0`

export const bookingCancelled: Template = {
  en: {
    subject: `{% if recipient.as == "coach" %}Lesson{% else %}Booking{% endif %} cancelled: ${subjectWhen}`,
    short: `The booking at {{ facility.name }} on ${when} was cancelled.`,
    heading: `{% if recipient.as == "booker" %}${yourBooking.en.start} was cancelled{% else %}A {% if recipient.as == "coach" %}lesson{% else %}booking{% endif %} with ${you.en} was cancelled{% endif %}`,
    lead: `{% if ${didIt("cancelledBy")} %}You cancelled this booking{% else %}This booking was cancelled{% endif %}. It does not take place, and ${ofChild("nobody has to", "you need not")} come.`,
    note: `{% if ${refunded} %}${refundWay.en}{% endif %}`,
  },
  de: {
    subject: `{% if recipient.as == "coach" %}Trainerstunde{% else %}Buchung{% endif %} abgesagt: ${subjectWhen}`,
    short: `Die Buchung bei {{ facility.name }} am ${when} wurde abgesagt.`,
    heading: `{% if recipient.as == "booker" %}${yourBooking.de.start} wurde abgesagt{% else %}Eine {% if recipient.as == "coach" %}Trainerstunde{% else %}Buchung{% endif %} mit ${you.de.dative} wurde abgesagt{% endif %}`,
    lead: `{% if ${didIt("cancelledBy")} %}Du hast diese Buchung abgesagt{% else %}Diese Buchung wurde abgesagt{% endif %}. Sie findet nicht statt, ${ofChild("niemand muss", "du musst nicht")} kommen.`,
    note: `{% if ${refunded} %}${refundWay.de}{% endif %}`,
  },
  facts: [
    ["when", when],
    ["where", where],
    ["coach", coach],
    ["reason", `{% unless ${didIt("cancelledBy")} %}{{ data.cancellationReason }}{% endunless %}`],
    ["refund", `{% if ${refunded} %}{{ data.refundAmount | money: facility.currency }}{% endif %}`],
    ["reference", reference],
  ],
  action: seeBooking,
}
