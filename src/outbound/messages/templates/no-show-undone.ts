/** booking.no_show.undone, to the booker. The event carries no currency: a fee has the facility's. */
import type { Template } from "./template.ts"
import { reference, seeBooking, when, where, yourBooking } from "./values.ts"

export const noShowUndone: Template = {
  en: {
    subject: `No longer a no-show: {{ data.startAt | short_time: facility.timezone }}`,
    short: `${yourBooking.en.start} at {{ facility.name }} on {{ data.startAt | local_time: facility.timezone }} is no longer a no-show.`,
    heading: `The no-show was undone`,
    lead: `{{ facility.name }} had marked ${yourBooking.en.inside} as a no-show. That was a mistake, and it no longer counts.`,
    note: "",
  },
  de: {
    subject: `Doch wahrgenommen: {{ data.startAt | short_time: facility.timezone }}`,
    short: `${yourBooking.de.start} bei {{ facility.name }} am {{ data.startAt | local_time: facility.timezone }} gilt nicht mehr als versäumt.`,
    heading: `Wir haben uns geirrt`,
    lead: `{{ facility.name }} hatte ${yourBooking.de.inside} als nicht wahrgenommen vermerkt. Das war ein Irrtum und zählt nicht mehr.`,
    note: "",
  },
  facts: [
    ["when", when],
    ["where", where],
    ["reason", `{{ data.reason }}`],
    ["feeWaived", `{% if data.feeWaived > 0 %}{{ data.feeWaived | money: facility.currency }}{% endif %}`],
    ["reference", reference],
  ],
  action: seeBooking,
}
