/** Values that many messages show. */

/** The time of the event's booking, at the facility. */
export const when = `{{ data.startAt | period: data.endAt, facility.timezone }}`
/** The same of an event without times of its own. */
export const bookedWhen = `{% if booking %}{{ booking.startAt | period: booking.endAt, facility.timezone }}{% endif %}`
export const where = `{% if resource != "" %}{{ resource }}, {% endif %}{{ facility.name }}`
export const subjectWhen = `{% if resource != "" %}{{ resource }}, {% endif %}{{ data.startAt | short_time: facility.timezone }}`
/** Staff find a booking by the last characters of its id. */
export const reference = `{{ data.bookingId | short_id }}`

/** Words for the parent who reads the message of a child, and words for everybody who reads their own. */
export const ofChild = (child: string, own: string): string =>
  `{% if recipient.parentName %}${child}{% else %}${own}{% endif %}`
/**
 * A text as one kind of reader has it: which words they are is decided when a template is compiled. Deciding it in each
 * mail took half as long again as all of its other fields.
 */
export const wordsOfReader = (reader: "own" | "child", text: string): string =>
  text.replaceAll(childOrOwn, (_, child: string, own: string) => (reader === "child" ? child : own))
const childOrOwn = /\{% if recipient\.parentName %\}((?:(?!\{%).)*)\{% else %\}((?:(?!\{%).)*)\{% endif %\}/g

const child = `{{ recipient.firstName }}`

/** "your booking", or that of the child whose parent reads it. */
export const yourBooking = {
  en: {
    start: ofChild(`${child}'s booking`, "Your booking"),
    inside: ofChild(`${child}'s booking`, "your booking"),
  },
  de: {
    start: ofChild(`Die Buchung von ${child}`, "Deine Buchung"),
    inside: ofChild(`die Buchung von ${child}`, "deine Buchung"),
    dative: ofChild(`der Buchung von ${child}`, "deiner Buchung"),
  },
} as const
/** "you", or the child. */
export const you = {
  en: ofChild(child, "you"),
  de: { nominative: ofChild(child, "du"), dative: ofChild(child, "dir"), accusative: ofChild(child, "dich") },
} as const

/** Whether the reader did it: themself, or by a link in the mail of their child. */
export const didIt = (field: string): string =>
  `data.${field} == recipient.userId or data.${field} == recipient.readerId`

/** The coach of a lesson, for the others. */
export const coach = `{% if booking.coach and recipient.as != "coach" %}{{ booking.coach }}{% endif %}`

/** How a refund goes back. Cash is handed over, and no bank shows it. */
export const refundWay = {
  en: `{% if booking.refundBy == "desk" %}You get the refund at the front desk.{% elsif booking.refundBy == "both" %}What was paid online goes back the same way, and a bank takes some days to show it. The rest you get at the front desk.{% elsif booking.refundBy == "bank" %}The refund goes back the way it was paid. A bank takes some days to show it.{% else %}The refund goes back the way it was paid: a bank takes some days to show it, and cash is handed back at the front desk.{% endif %}`,
  de: `{% if booking.refundBy == "desk" %}Die Erstattung bekommst du am Empfang.{% elsif booking.refundBy == "both" %}Was online bezahlt wurde, geht auf demselben Weg zurück; bei der Bank ist es nach einigen Tagen zu sehen. Den Rest bekommst du am Empfang.{% elsif booking.refundBy == "bank" %}Die Erstattung geht auf demselben Weg zurück, auf dem bezahlt wurde. Bei der Bank ist sie nach einigen Tagen zu sehen.{% else %}Die Erstattung geht auf demselben Weg zurück, auf dem bezahlt wurde: bei der Bank in einigen Tagen, bar am Empfang.{% endif %}`,
} as const

/** What a payment was for: a booking with its place, time and reference, or something else by its kind. */
export const paidFor = `{{ data.referenceType | words }}{% if resource != "" %}: {{ resource }}{% endif %}{% if booking %}, ${bookedWhen}{% endif %} ({{ data.referenceId | short_id }})`

/** The link to the booking, for people who may see it and no more. */
export const seeBooking = { to: "booking", en: "See the booking", de: "Buchung ansehen" } as const
export const seeOrCancel = {
  to: "booking",
  en: "See or cancel the booking",
  de: "Buchung ansehen oder absagen",
} as const
/** Only the page of a booking has its papers; what else was paid for has no page. */
export const seePapers = {
  to: "booking",
  en: `{% if data.referenceType == "booking" %}See the booking and its invoices{% endif %}`,
  de: `{% if data.referenceType == "booking" %}Buchung und Rechnungen ansehen{% endif %}`,
} as const
/** The page says until when a booking that is not paid is held, and how to pay. */
export const seeUnpaid = {
  to: "booking",
  en: `{% if data.referenceType == "booking" %}See the booking{% endif %}`,
  de: `{% if data.referenceType == "booking" %}Buchung ansehen{% endif %}`,
} as const
export const seeSeries = { to: "booking", en: "See the bookings", de: "Buchungen ansehen" } as const
/** Only the booker may cancel. */
export const seeOrCancelAsBooker = {
  to: "booking",
  en: `{% if recipient.as == "booker" %}See or cancel the booking{% else %}See the booking{% endif %}`,
  de: `{% if recipient.as == "booker" %}Buchung ansehen oder absagen{% else %}Buchung ansehen{% endif %}`,
} as const
