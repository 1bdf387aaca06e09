/** booking.approval.granted, to the booker. A confirmation or a payment that follows has its own message. */
import type { Template } from "./template.ts"
import { reference, seeOrCancel, when, where } from "./values.ts"

export const approvalGranted: Template = {
  en: {
    subject: `Approved: {{ resource }}, {{ data.startAt | short_time: facility.timezone }}`,
    short: `{{ facility.name }} approved your booking of {{ resource }}: ${when}.`,
    heading: `Your booking was approved`,
    lead: `{{ facility.name }} approved your booking.`,
    note: `If it is still to be paid, it is kept for you for a short time. See the booking for what to do.`,
  },
  de: {
    subject: `Freigegeben: {{ resource }}, {{ data.startAt | short_time: facility.timezone }}`,
    short: `{{ facility.name }} hat deine Buchung von {{ resource }} freigegeben: ${when}.`,
    heading: `Deine Buchung ist freigegeben`,
    lead: `{{ facility.name }} hat deine Buchung freigegeben.`,
    note: `Wenn sie noch zu bezahlen ist, bleibt sie kurze Zeit für dich reserviert. Was zu tun ist, steht bei der Buchung.`,
  },
  facts: [
    ["when", when],
    ["where", where],
    ["reference", reference],
  ],
  action: seeOrCancel,
}
