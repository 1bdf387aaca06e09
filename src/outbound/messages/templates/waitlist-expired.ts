/** waitlist.expired, to the waiting person: an offer expired, or the time came without an offer. */
import type { Template } from "./template.ts"

export const waitlistExpired: Template = {
  subject: `{% if data.reason == "offer_ran_out" %}Your offer has ended{% else %}No slot became free{% endif %}: {{ data.startAt | short_time: facility.timezone }}`,
  short: `{% if data.reason == "offer_ran_out" %}The offer at {{ facility.name }} was not answered in time, and went to the next in line.{% else %}No slot became free at {{ facility.name }} in time.{% endif %}`,
  heading: `{% if data.reason == "offer_ran_out" %}Your offer has ended{% else %}No slot became free{% endif %}`,
  lead: `{% if data.reason == "offer_ran_out" %}The slot that was held for you at {{ facility.name }} was not accepted in time, and went to the next in line.{% else %}Nothing became free at {{ facility.name }} before the time that you waited for.{% endif %}`,
  facts: [
    ["When", `{{ data.startAt | period: data.endAt, facility.timezone }}`],
    ["Where", `{% if resource != "" %}{{ resource }}, {% endif %}{{ facility.name }}`],
    ["Waitlist entry", `{{ data.entryId }}`],
  ],
  note: "",
}
