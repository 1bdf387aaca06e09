/** booking.local_time_changed, to the booker and the other participants. */
import type { Template } from "./template.ts"
import { reference, seeOrCancelAsBooker, you, yourBooking } from "./values.ts"

export const bookingLocalTimeChanged: Template = {
  en: {
    subject: `Another time by the clock: {{ data.resourceName }}, {{ data.startAt | short_time: data.timezone }}`,
    short: `The clocks there were changed by law. The booking at {{ facility.name }} is now {{ data.startAt | period: data.endAt, data.timezone }}.`,
    heading: `${yourBooking.en.start} is at another time by the clock`,
    lead: "The clocks there were changed by law after this booking was made. The club keeps the moment of the booking, so its local time is another one.",
    note: `If the new time does not suit ${you.en}, cancel the booking or ask the club to move it.`,
  },
  de: {
    subject: `Andere Uhrzeit: {{ data.resourceName }}, {{ data.startAt | short_time: data.timezone }}`,
    short: `Die Uhren am Ort wurden per Gesetz umgestellt. Die Buchung bei {{ facility.name }} ist jetzt {{ data.startAt | period: data.endAt, data.timezone }}.`,
    heading: `${yourBooking.de.start} beginnt zu einer anderen Uhrzeit`,
    lead: "Die Uhren am Ort wurden per Gesetz umgestellt, nachdem diese Buchung gemacht war. Der Verein behält den Zeitpunkt bei, deshalb ist die Uhrzeit eine andere.",
    note: `Wenn ${you.de.dative} die neue Uhrzeit nicht passt, sag die Buchung ab oder bitte den Verein, sie zu verschieben.`,
  },
  facts: [
    ["when", `{{ data.startAt | period: data.endAt, data.timezone }}`],
    ["where", `{{ data.resourceName }}, {{ facility.name }}`],
    ["agreed", `{{ data.previousLocalStart | wall_time }}`],
    ["reference", reference],
  ],
  action: seeOrCancelAsBooker,
}
