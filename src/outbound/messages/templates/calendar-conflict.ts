/** calendar.conflict.found, to the calendar's owner: the times at which a booking stands and the calendar is busy. */
import type { Template } from "./template.ts"

const times =
  `{% for each in data.conflicts %}{{ each.startAt | short_time: facility.timezone }}` +
  `{% unless forloop.last %} · {% endunless %}{% endfor %}` +
  `{% if data.count > data.conflicts.size %} … ({{ data.count }}){% endif %}`

export const calendarConflict: Template = {
  en: {
    subject: `Your calendar is busy where bookings stand`,
    short: `Your calendar says busy where {% if data.count == 1 %}a booking stands{% else %}{{ data.count }} bookings stand{% endif %} at {{ facility.name }}. Nothing was moved.`,
    heading: `Your calendar is busy where bookings stand`,
    lead: `The bookings at {{ facility.name }} stay as they are, and the calendar does too. Nothing was moved or cancelled.`,
    note: `Please decide which of the two goes: move the appointment in your calendar, or move or cancel the booking.`,
  },
  de: {
    subject: `Dein Kalender ist belegt, wo Buchungen stehen`,
    short: `Dein Kalender ist belegt, wo {% if data.count == 1 %}eine Buchung steht{% else %}{{ data.count }} Buchungen stehen{% endif %}: {{ facility.name }}. Nichts wurde verschoben.`,
    heading: `Dein Kalender ist belegt, wo Buchungen stehen`,
    lead: `Die Buchungen bei {{ facility.name }} bleiben, wie sie sind, und der Kalender auch. Nichts wurde verschoben oder abgesagt.`,
    note: `Bitte entscheide, was weicht: verschieb den Termin in deinem Kalender, oder verschieb oder storniere die Buchung.`,
  },
  facts: [
    ["when", times],
    ["where", `{{ resource }}`],
    ["reference", `{{ data.syncId | short_id }}`],
  ],
}
