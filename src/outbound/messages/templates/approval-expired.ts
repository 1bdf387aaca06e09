/** booking.approval.expired, to the booker. The event carries no currency: a refund has the facility's. */
import type { Template } from "./template.ts"

export const approvalExpired: Template = {
  subject: `Not approved in time: {{ resource }}, {{ data.startAt | short_time: facility.timezone }}`,
  short: `{{ facility.name }} did not decide about your booking of {{ resource }} on {{ data.startAt | local_time: facility.timezone }} in time.`,
  heading: `Your booking was not approved in time`,
  lead: `{{ facility.name }} did not decide about your booking before its start, so it does not take place.`,
  facts: [
    ["When", `{{ data.startAt | period: data.endAt, facility.timezone }}`],
    ["Where", `{{ resource }}, {{ facility.name }}`],
    ["Refund", `{% if data.refundAmount > 0 %}{{ data.refundAmount | money: facility.currency }}{% endif %}`],
    ["Booking", `{{ data.bookingId }}`],
  ],
  note: "",
}
