/** calendar.sync.failing, to the calendar's owner: it fails, since when, why, and what to do. */
import type { Template } from "./template.ts"

const mend = {
  en: `{% case data.code %}{% when "credentials_refused" %}Please connect the calendar again with a password or a permission that is valid.{% when "calendar_gone" %}The calendar is not there any more. Please connect another one, or disconnect this one.{% when "program_refused" %}Whoever runs SlotBase must mend this. It goes on by itself then, and you need not do anything.{% when "throttled" %}The provider limits how often we may ask. It goes on by itself, and you need not do anything.{% else %}We go on trying every hour. If it lasts, please look whether the calendar still works elsewhere.{% endcase %}`,
  de: `{% case data.code %}{% when "credentials_refused" %}Bitte verbinde den Kalender neu, mit einem gültigen Passwort oder einer gültigen Erlaubnis.{% when "calendar_gone" %}Den Kalender gibt es nicht mehr. Bitte verbinde einen anderen, oder trenne diesen.{% when "program_refused" %}Das muss beheben, wer SlotBase betreibt. Dann geht es von selbst weiter, du musst nichts tun.{% when "throttled" %}Der Anbieter begrenzt, wie oft wir fragen dürfen. Es geht von selbst weiter, du musst nichts tun.{% else %}Wir versuchen es stündlich weiter. Wenn es so bleibt, schau bitte nach, ob der Kalender anderswo noch geht.{% endcase %}`,
}

export const calendarFailing: Template = {
  en: {
    subject: `Your calendar is not in step with {{ facility.name }}`,
    short: `Your calendar at {{ data.host }} has not been in step since {{ data.failingSince | local_time: facility.timezone }}: {{ data.reason }}`,
    heading: `A calendar is not in step`,
    lead: `Bookings at {{ facility.name }} do not reach the calendar at {{ data.host }}, and what is busy there does not reach us.`,
    note: mend.en,
  },
  de: {
    subject: `Dein Kalender ist nicht auf dem Stand von {{ facility.name }}`,
    short: `Dein Kalender ({{ data.host }}) ist seit {{ data.failingSince | local_time: facility.timezone }} nicht auf dem Stand: {{ data.reason }}`,
    heading: `Ein Kalender ist nicht auf dem Stand`,
    lead: `Buchungen bei {{ facility.name }} erreichen den Kalender bei {{ data.host }} nicht, und was dort belegt ist, erreicht uns nicht.`,
    note: mend.de,
  },
  facts: [
    ["since", `{{ data.failingSince | local_time: facility.timezone }}`],
    ["lastError", `{{ data.reason }}`],
    ["reference", `{{ data.syncId | short_id }}`],
  ],
}
