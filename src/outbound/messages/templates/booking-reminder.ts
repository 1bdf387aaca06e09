/** booking.reminder.due, to the booker. */
import type { Template } from "./template.ts"
import { coach, ofChild, reference, seeOrCancel, subjectWhen, when, where, yourBooking } from "./values.ts"

export const bookingReminder: Template = {
  en: {
    subject: `Reminder: ${subjectWhen}`,
    short: `{% if resource != "" %}{{ resource }} at {% endif %}{{ facility.name }}: ${when}.`,
    heading: `${yourBooking.en.start} is coming up`,
    lead: `This is a reminder of ${yourBooking.en.inside} at {{ facility.name }}.`,
    note: `If ${ofChild("{{ recipient.firstName }}", "you")} can't come, please cancel, so that somebody else can play.`,
  },
  de: {
    subject: `Erinnerung: ${subjectWhen}`,
    short: `{% if resource != "" %}{{ resource }} bei {% endif %}{{ facility.name }}: ${when}.`,
    heading: `Bald ist es ${ofChild("für {{ recipient.firstName }} ", "")}so weit`,
    lead: `Wir erinnern dich an ${yourBooking.de.inside} bei {{ facility.name }}.`,
    note: `Wenn ${ofChild("{{ recipient.firstName }} nicht kommen kann", "du nicht kommen kannst")}, sag bitte ab, damit jemand anderes spielen kann.`,
  },
  facts: [
    ["when", when],
    ["where", where],
    ["coach", coach],
    ["reference", reference],
  ],
  action: seeOrCancel,
}
