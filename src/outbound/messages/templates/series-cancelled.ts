/** recurring_booking.cancelled: one message for all bookings of a series that were cancelled together. */

import { seriesDates, seriesSpan } from "./series-dates.ts"
import type { Template } from "./template.ts"
import { seeSeries, where } from "./values.ts"

const booker = `recipient.as == "booker"`

export const seriesCancelled: Template = {
  en: {
    subject: `{{ series.count }} {% if series.count == 1 %}booking{% else %}bookings{% endif %} cancelled: {% if resource != "" %}{{ resource }}, {% endif %}${seriesSpan.en}`,
    short: `{{ series.count }} {% if series.count == 1 %}booking{% else %}bookings{% endif %} of a series at {{ facility.name }} cancelled: ${seriesSpan.en}.`,
    heading: `{% if ${booker} %}Your series was cancelled{% else %}A series with you was cancelled{% endif %}`,
    lead: `{% if data.cancelledBy == recipient.userId %}You cancelled{% else %}{{ facility.name }} cancelled{% endif %} {{ series.count }} {% if series.count == 1 %}booking{% else %}bookings{% endif %} of {% if ${booker} %}your{% else %}the{% endif %} series. {% if series.count == 1 %}It does not take place.{% else %}They do not take place.{% endif %}`,
    note: `{% if ${booker} and series.refund > 0 %}The refund goes back the way it was paid. A bank takes some days to show it.{% endif %}`,
  },
  de: {
    subject: `{{ series.count }} {% if series.count == 1 %}Buchung{% else %}Buchungen{% endif %} abgesagt: {% if resource != "" %}{{ resource }}, {% endif %}${seriesSpan.de}`,
    short: `{{ series.count }} {% if series.count == 1 %}Buchung{% else %}Buchungen{% endif %} einer Serie bei {{ facility.name }} abgesagt: ${seriesSpan.de}.`,
    heading: `{% if ${booker} %}Deine Serie wurde abgesagt{% else %}Eine Serie mit dir wurde abgesagt{% endif %}`,
    lead: `{% if data.cancelledBy == recipient.userId %}Du hast{% else %}{{ facility.name }} hat{% endif %} {{ series.count }} {% if series.count == 1 %}Buchung{% else %}Buchungen{% endif %} {% if ${booker} %}deiner{% else %}der{% endif %} Serie abgesagt. {% if series.count == 1 %}Sie findet{% else %}Sie finden{% endif %} nicht statt.`,
    note: `{% if ${booker} and series.refund > 0 %}Die Erstattung geht auf demselben Weg zurück, auf dem bezahlt wurde. Bei der Bank ist sie nach einigen Tagen zu sehen.{% endif %}`,
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
