/** booking.struck, to the booker, the other participants and the coach of a lesson. */
import type { Template } from "./template.ts"
import { reference, seeOrCancelAsBooker, when, where } from "./values.ts"

export const bookingStruck: Template = {
  en: {
    subject: `Not open at your booking: {{ resource }}, {{ data.startAt | short_time: facility.timezone }}`,
    short: `{{ facility.name }} is not open for your booking of {{ resource }} on {{ data.startAt | local_time: facility.timezone }}.`,
    heading: `{{ facility.name }} is not open at the time of {% if recipient.as == "booker" %}your booking{% else %}a booking with you{% endif %}`,
    lead: `The booking still stands, and nobody has to come.`,
    note: `{% if recipient.as == "booker" %}You can cancel it, and everything you paid for it is refunded.{% endif %}`,
  },
  de: {
    subject: `Geschlossen zu deiner Buchung: {{ resource }}, {{ data.startAt | short_time: facility.timezone }}`,
    short: `{{ facility.name }} hat zu deiner Buchung von {{ resource }} am {{ data.startAt | local_time: facility.timezone }} nicht geöffnet.`,
    heading: `{{ facility.name }} hat zur Zeit {% if recipient.as == "booker" %}deiner Buchung{% else %}einer Buchung mit dir{% endif %} nicht geöffnet`,
    lead: `Die Buchung besteht noch, aber niemand muss kommen.`,
    note: `{% if recipient.as == "booker" %}Du kannst sie absagen und bekommst alles zurück, was du dafür bezahlt hast.{% endif %}`,
  },
  facts: [
    ["when", when],
    ["where", where],
    ["reason", `{{ data.reason }}`],
    ["reference", reference],
  ],
  action: seeOrCancelAsBooker,
}
