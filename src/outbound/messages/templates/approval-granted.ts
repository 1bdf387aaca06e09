/** booking.approval.granted, to the booker. A confirmation or a payment that follows has its own message. */
import type { Template } from "./template.ts"
import { reference, seeOrCancel, when, where, you, yourBooking } from "./values.ts"

export const approvalGranted: Template = {
  en: {
    subject: `Approved: {{ resource }}, {{ data.startAt | short_time: facility.timezone }}`,
    short: `{{ facility.name }} approved the booking of {{ resource }}: ${when}.`,
    heading: `${yourBooking.en.start} was approved`,
    lead: `{{ facility.name }} approved ${yourBooking.en.inside}.`,
    note: `If it is still to be paid, it is kept for ${you.en} for a short time. See the booking for what to do.`,
  },
  de: {
    subject: `Freigegeben: {{ resource }}, {{ data.startAt | short_time: facility.timezone }}`,
    short: `{{ facility.name }} hat die Buchung von {{ resource }} freigegeben: ${when}.`,
    heading: `${yourBooking.de.start} ist freigegeben`,
    lead: `{{ facility.name }} hat ${yourBooking.de.inside} freigegeben.`,
    note: `Wenn sie noch zu bezahlen ist, bleibt sie kurze Zeit für ${you.de.accusative} reserviert. Was zu tun ist, steht bei der Buchung.`,
  },
  facts: [
    ["when", when],
    ["where", where],
    ["reference", reference],
  ],
  action: seeOrCancel,
}
