/** booking.approval.granted, to the booker. A confirmation or a payment that follows has its own message. */
import type { Template } from "./template.ts"

export const approvalGranted: Template = {
  subject: `Approved: {{ resource }}, {{ data.startAt | short_time: facility.timezone }}`,
  short: `{{ facility.name }} approved your booking of {{ resource }}: {{ data.startAt | period: data.endAt, facility.timezone }}.`,
  heading: `Your booking was approved`,
  lead: `{{ facility.name }} approved your booking.`,
  facts: [
    ["When", `{{ data.startAt | period: data.endAt, facility.timezone }}`],
    ["Where", `{{ resource }}, {{ facility.name }}`],
    ["Booking", `{{ data.bookingId }}`],
  ],
  note: "",
}
