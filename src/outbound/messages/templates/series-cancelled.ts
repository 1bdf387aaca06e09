/** recurring_booking.cancelled: one message for all bookings of a series that were cancelled together. */

import { seriesDates, seriesSpan } from "./series-dates.ts"
import type { Template } from "./template.ts"
import { didIt, ofChild, refundWay, seeSeries, where, you } from "./values.ts"

const booker = `recipient.as == "booker"`

export const seriesCancelled: Template = {
  en: {
    subject: `{{ series.count }} {% if series.count == 1 %}booking{% else %}bookings{% endif %} cancelled: {% if resource != "" %}{{ resource }}, {% endif %}${seriesSpan.en}`,
    short: `{{ series.count }} {% if series.count == 1 %}booking{% else %}bookings{% endif %} of a series at {{ facility.name }} cancelled: ${seriesSpan.en}.`,
    heading: `{% if ${booker} %}${ofChild("The series", "Your series")} was cancelled{% else %}A series with ${you.en} was cancelled{% endif %}`,
    lead: `{% if ${didIt("cancelledBy")} %}You cancelled{% else %}{{ facility.name }} cancelled{% endif %} {{ series.count }} {% if series.count == 1 %}booking{% else %}bookings{% endif %} of {% if ${booker} %}${ofChild("the", "your")}{% else %}the{% endif %} series. {% if series.count == 1 %}It does not take place.{% else %}They do not take place.{% endif %}`,
    note: `{% if ${booker} and series.refund > 0 %}${refundWay.en}{% endif %}`,
  },
  de: {
    subject: `{{ series.count }} {% if series.count == 1 %}Buchung{% else %}Buchungen{% endif %} abgesagt: {% if resource != "" %}{{ resource }}, {% endif %}${seriesSpan.de}`,
    short: `{{ series.count }} {% if series.count == 1 %}Buchung{% else %}Buchungen{% endif %} einer Serie bei {{ facility.name }} abgesagt: ${seriesSpan.de}.`,
    heading: `{% if ${booker} %}${ofChild("Die Serie", "Deine Serie")} wurde abgesagt{% else %}Eine Serie mit ${you.de.dative} wurde abgesagt{% endif %}`,
    lead: `{% if ${didIt("cancelledBy")} %}Du hast{% else %}{{ facility.name }} hat{% endif %} {{ series.count }} {% if series.count == 1 %}Buchung{% else %}Buchungen{% endif %} {% if ${booker} %}${ofChild("der", "deiner")}{% else %}der{% endif %} Serie abgesagt. {% if series.count == 1 %}Sie findet{% else %}Sie finden{% endif %} nicht statt.`,
    note: `{% if ${booker} and series.refund > 0 %}${refundWay.de}{% endif %}`,
  },
  facts: [
    ["where", where],
    ["dates", seriesDates],
    ["reason", `{{ data.cancellationReason }}`],
    ["refund", `{% if ${booker} and series.refund > 0 %}{{ series.refund | money: series.currency }}{% endif %}`],
    ["reference", `{{ data.recurringBookingId | short_id }}`],
  ],
  action: seeSeries,
}
