/** booking.struck, to the booker, the other participants and the coach of a lesson. */
import type { Template } from "./template.ts"
import { coach, reference, seeOrCancelAsBooker, when, where, you, yourBooking } from "./values.ts"

export const bookingStruck: Template = {
  en: {
    subject: `Not open at the time of a booking: {{ resource }}, {{ data.startAt | short_time: facility.timezone }}`,
    short: `{{ facility.name }} is not open for the booking of {{ resource }} on {{ data.startAt | local_time: facility.timezone }}.`,
    heading: `{{ facility.name }} is not open at the time of {% if recipient.as == "booker" %}${yourBooking.en.inside}{% else %}a booking with ${you.en}{% endif %}`,
    lead: `The booking still stands, and nobody has to come.`,
    note: `{% if recipient.as == "booker" %}You can cancel it, and everything that was paid for it is refunded.{% endif %}`,
  },
  de: {
    subject: `Geschlossen zur Zeit einer Buchung: {{ resource }}, {{ data.startAt | short_time: facility.timezone }}`,
    short: `{{ facility.name }} hat zur Buchung von {{ resource }} am {{ data.startAt | local_time: facility.timezone }} nicht geöffnet.`,
    heading: `{{ facility.name }} hat zur Zeit {% if recipient.as == "booker" %}${yourBooking.de.dative}{% else %}einer Buchung mit ${you.de.dative}{% endif %} nicht geöffnet`,
    lead: `Die Buchung besteht noch, aber niemand muss kommen.`,
    note: `{% if recipient.as == "booker" %}Du kannst sie absagen und bekommst alles zurück, was dafür bezahlt wurde.{% endif %}`,
  },
  facts: [
    ["when", when],
    ["where", where],
    ["coach", coach],
    ["reason", `{{ data.reason }}`],
    ["reference", reference],
  ],
  action: seeOrCancelAsBooker,
}
