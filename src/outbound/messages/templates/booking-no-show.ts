/** booking.no_show, to the booker. The event carries no currency: a fee has the facility's. */
import type { Template } from "./template.ts"

export const bookingNoShow: Template = {
  subject: `We missed you: {{ data.scheduledAt | short_time: facility.timezone }}`,
  short: `Nobody checked in for your booking at {{ facility.name }} on {{ data.scheduledAt | local_time: facility.timezone }}.`,
  heading: `We missed you`,
  lead: `Nobody checked in for your booking at {{ facility.name }}, so it was marked as a no-show.`,
  facts: [
    ["When", `{{ data.scheduledAt | local_time: facility.timezone }}`],
    ["Where", `{% if resource != "" %}{{ resource }}, {% endif %}{{ facility.name }}`],
    ["Fee", `{% if data.feeCharged > 0 %}{{ data.feeCharged | money: facility.currency }}{% endif %}`],
    ["No-shows", `{% if data.strikeCount > 0 %}{{ data.strikeCount }} so far{% endif %}`],
    ["Booking", `{{ data.bookingId }}`],
  ],
  note: `{% if data.restrictionApplied %}Because of repeated no-shows you can't book for now. Please talk to the facility.{% else %}If this is a mistake, please tell the facility.{% endif %}`,
}
