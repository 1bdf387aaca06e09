/** booking.reminder.due, to the booker. */
import type { Template } from "./template.ts"
import { reference, seeOrCancel, subjectWhen, when, where } from "./values.ts"

export const bookingReminder: Template = {
  en: {
    subject: `Reminder: ${subjectWhen}`,
    short: `Your booking at {{ facility.name }} begins on {{ data.startAt | local_time: facility.timezone }}.`,
    heading: `Your booking is coming up`,
    lead: `This is a reminder of your booking at {{ facility.name }}.`,
    note: `If you can't come, please cancel, so that somebody else can play.`,
  },
  de: {
    subject: `Erinnerung: ${subjectWhen}`,
    short: `Deine Buchung bei {{ facility.name }} beginnt am {{ data.startAt | local_time: facility.timezone }}.`,
    heading: `Bald ist es so weit`,
    lead: `Wir erinnern dich an deine Buchung bei {{ facility.name }}.`,
    note: `Wenn du nicht kommen kannst, sag bitte ab, damit jemand anderes spielen kann.`,
  },
  facts: [
    ["when", when],
    ["where", where],
    ["reference", reference],
  ],
  action: seeOrCancel,
}
