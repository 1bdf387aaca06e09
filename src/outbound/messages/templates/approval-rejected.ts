/** booking.approval.rejected, to the booker. */
import type { Template } from "./template.ts"

export const approvalRejected: Template = {
  subject: `Not approved: {{ resource }}, {{ data.startAt | short_time: facility.timezone }}`,
  short: `{{ facility.name }} did not approve your booking of {{ resource }} on {{ data.startAt | local_time: facility.timezone }}.`,
  heading: `Your booking was not approved`,
  lead: `{{ facility.name }} did not approve your booking, and its slot is free again.`,
  facts: [
    ["When", `{{ data.startAt | period: data.endAt, facility.timezone }}`],
    ["Where", `{{ resource }}, {{ facility.name }}`],
    ["Reason", `{{ data.rejectionReason }}`],
    ["Booking", `{{ data.bookingId }}`],
  ],
  note: "",
}
