/** recurring_booking.changed, when bookings of a series were moved: one message for all of them. */

import { seriesDates, seriesSpan } from "./series-dates.ts"
import type { Template } from "./template.ts"
import { didIt, ofChild, seeSeries, where, you } from "./values.ts"

const booker = `recipient.as == "booker"`

export const seriesMoved: Template = {
  en: {
    subject: `{{ series.count }} {% if series.count == 1 %}booking{% else %}bookings{% endif %} moved: {% if resource != "" %}{{ resource }}, {% endif %}${seriesSpan.en}`,
    short: `{{ series.count }} {% if series.count == 1 %}booking{% else %}bookings{% endif %} of a series at {{ facility.name }} moved: ${seriesSpan.en}.`,
    heading: `{% if ${booker} %}${ofChild("The series", "Your series")} was moved{% else %}A series with ${you.en} was moved{% endif %}`,
    lead: `{% if ${didIt("changedBy")} %}You moved{% else %}{{ facility.name }} moved{% endif %} {{ series.count }} {% if series.count == 1 %}booking{% else %}bookings{% endif %} of {% if ${booker} %}${ofChild("the", "your")}{% else %}the{% endif %} series. The new times: ${seriesSpan.en}.`,
    note: `{% if ${booker} %}{% unless ${didIt("changedBy")} %}If the new times do not suit ${you.en}, cancel the bookings or talk to the club.{% endunless %}{% endif %}`,
  },
  de: {
    subject: `{{ series.count }} {% if series.count == 1 %}Buchung{% else %}Buchungen{% endif %} verschoben: {% if resource != "" %}{{ resource }}, {% endif %}${seriesSpan.de}`,
    short: `{{ series.count }} {% if series.count == 1 %}Buchung{% else %}Buchungen{% endif %} einer Serie bei {{ facility.name }} verschoben: ${seriesSpan.de}.`,
    heading: `{% if ${booker} %}${ofChild("Die Serie", "Deine Serie")} wurde verschoben{% else %}Eine Serie mit ${you.de.dative} wurde verschoben{% endif %}`,
    lead: `{% if ${didIt("changedBy")} %}Du hast{% else %}{{ facility.name }} hat{% endif %} {{ series.count }} {% if series.count == 1 %}Buchung{% else %}Buchungen{% endif %} {% if ${booker} %}${ofChild("der", "deiner")}{% else %}der{% endif %} Serie verschoben. Die neuen Termine: ${seriesSpan.de}.`,
    note: `{% if ${booker} %}{% unless ${didIt("changedBy")} %}Wenn ${you.de.dative} die neuen Termine nicht passen, sag die Buchungen ab oder sprich mit dem Verein.{% endunless %}{% endif %}`,
  },
  facts: [
    ["where", where],
    ["dates", seriesDates],
    ["refund", `{% if ${booker} and series.refund > 0 %}{{ series.refund | money: series.currency }}{% endif %}`],
    ["reference", `{{ data.recurringBookingId | short_id }}`],
  ],
  action: seeSeries,
}
