/** recurring_booking.created, and .changed when days were added: one message for all bookings of a series. */

import { seriesDates, seriesSpan } from "./series-dates.ts"
import type { Template } from "./template.ts"
import { ofChild, seeSeries, where, you } from "./values.ts"

const booker = `recipient.as == "booker"`

export const seriesBooked: Template = {
  en: {
    subject: `{{ series.count }} {% if series.count == 1 %}booking{% else %}bookings{% endif %}{% if data.change %} added to ${ofChild("the", "your")} series{% endif %}: {% if resource != "" %}{{ resource }}, {% endif %}${seriesSpan.en}`,
    short: `{{ series.count }} {% if series.count == 1 %}booking{% else %}bookings{% endif %} at {{ facility.name }}, ${seriesSpan.en}.`,
    heading: `{% if ${booker} %}{% if data.change %}${ofChild("The", "Your")} series goes on{% else %}${ofChild("The", "Your")} series is booked{% endif %}{% else %}${ofChild("{{ recipient.firstName }} is", "You are")} playing{% endif %}`,
    lead: `{% if ${booker} %}{{ resource }} at {{ facility.name }} is ${ofChild("booked for {{ recipient.firstName }}", "yours")} on {{ series.count }} {% if series.count == 1 %}day{% else %}days{% endif %}, ${seriesSpan.en}.{% else %}${ofChild("{{ recipient.firstName }} was", "You were")} named as a participant of {{ series.count }} {% if series.count == 1 %}booking{% else %}bookings{% endif %}, ${seriesSpan.en}.{% endif %}{% if series.pending > 0 %} {{ series.pending }} of them {% if series.pending == 1 %}waits{% else %}wait{% endif %} for approval by {{ facility.name }}.{% endif %}`,
    note: `{% if ${booker} %}{% if series.skipped.size > 0 %}The days that could not be booked are left out; book another time if you like. {% endif %}Each booking can be cancelled by itself, so that somebody else can play.{% endif %}`,
  },
  de: {
    subject: `{{ series.count }} {% if series.count == 1 %}Buchung{% else %}Buchungen{% endif %}{% if data.change %} mehr in ${ofChild("der", "deiner")} Serie{% endif %}: {% if resource != "" %}{{ resource }}, {% endif %}${seriesSpan.de}`,
    short: `{{ series.count }} {% if series.count == 1 %}Buchung{% else %}Buchungen{% endif %} bei {{ facility.name }}, ${seriesSpan.de}.`,
    heading: `{% if ${booker} %}{% if data.change %}${ofChild("Die", "Deine")} Serie geht weiter{% else %}${ofChild("Die", "Deine")} Serie ist gebucht{% endif %}{% else %}${ofChild("{{ recipient.firstName }} spielt", "Du spielst")} mit{% endif %}`,
    lead: `{% if ${booker} %}{{ resource }} bei {{ facility.name }} ist an {{ series.count }} {% if series.count == 1 %}Tag{% else %}Tagen{% endif %} für ${you.de.accusative} gebucht, ${seriesSpan.de}.{% else %}${ofChild("{{ recipient.firstName }} ist", "Du bist")} bei {{ series.count }} {% if series.count == 1 %}Buchung{% else %}Buchungen{% endif %} dabei, ${seriesSpan.de}.{% endif %}{% if series.pending > 0 %} {{ series.pending }} davon {% if series.pending == 1 %}muss{% else %}müssen{% endif %} noch von {{ facility.name }} freigegeben werden.{% endif %}`,
    note: `{% if ${booker} %}{% if series.skipped.size > 0 %}Die Tage, die nicht gebucht werden konnten, fehlen; buch dafür gern eine andere Zeit. {% endif %}Jede Buchung kannst du einzeln absagen, damit jemand anderes spielen kann.{% endif %}`,
  },
  facts: [
    ["where", where],
    ["dates", seriesDates],
    [
      "notBooked",
      `{% for day in series.skipped %}{{ day.startAt | short_time: facility.timezone }}{% unless forloop.last %} · {% endunless %}{% endfor %}`,
    ],
    ["price", `{% if ${booker} and series.amount > 0 %}{{ series.amount | money: series.currency }}{% endif %}`],
    [
      "payment",
      {
        en: `{% if ${booker} and series.amount > 0 and series.paymentMethod == "offline" %}To be paid at the facility{% endif %}`,
        de: `{% if ${booker} and series.amount > 0 and series.paymentMethod == "offline" %}Vor Ort zu bezahlen{% endif %}`,
      },
    ],
    ["reference", `{{ data.recurringBookingId | short_id }}`],
  ],
  action: seeSeries,
}
