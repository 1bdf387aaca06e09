/** booking.approval.requested, to the booker, and to the facility's administrators, who decide. */
import type { Template } from "./template.ts"

export const approvalRequested: Template = {
  subject: `{% if recipient.as == "booker" %}Your booking waits for approval{% else %}A booking waits for approval{% endif %}: {{ data.resourceName }}, {{ data.startAt | short_time: data.timezone }}`,
  short: `{% if recipient.as == "booker" %}{{ facility.name }} has your request{% else %}{{ data.bookerName }} asks{% endif %} for {{ data.resourceName }}: {{ data.startAt | period: data.endAt, data.timezone }}.`,
  heading: `{% if recipient.as == "booker" %}We have your request{% else %}A booking waits for approval{% endif %}`,
  lead: `{% if recipient.as == "booker" %}{{ data.resourceName }} is kept for you until {{ facility.name }} has decided.{% else %}{{ data.bookerName }} asks for {{ data.resourceName }}. It is kept until you approve or reject the booking.{% endif %}`,
  facts: [
    ["When", `{{ data.startAt | period: data.endAt, data.timezone }}`],
    ["Where", `{{ data.resourceName }}, {{ facility.name }}`],
    ["Booker", `{{ data.bookerName }}`],
    ["Type", `{{ data.bookingType | replace: "_", " " | capitalize }}`],
    ["Price", `{{ data.priceAmount | money: data.priceCurrency }}`],
    ["Booking", `{{ data.bookingId }}`],
  ],
  note: "",
}
