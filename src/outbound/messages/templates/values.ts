/** Values that many messages show. */

/** The time of the event's booking, at the facility. */
export const when = `{{ data.startAt | period: data.endAt, facility.timezone }}`
export const where = `{% if resource != "" %}{{ resource }}, {% endif %}{{ facility.name }}`
export const subjectWhen = `{% if resource != "" %}{{ resource }}, {% endif %}{{ data.startAt | short_time: facility.timezone }}`
/** Staff find a booking by the last characters of its id. */
export const reference = `{{ data.bookingId | short_id }}`

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
export const seeSeries = { to: "booking", en: "See the bookings", de: "Buchungen ansehen" } as const
/** Only the booker may cancel. */
export const seeOrCancelAsBooker = {
  to: "booking",
  en: `{% if recipient.as == "booker" %}See or cancel the booking{% else %}See the booking{% endif %}`,
  de: `{% if recipient.as == "booker" %}Buchung ansehen oder absagen{% else %}Buchung ansehen{% endif %}`,
} as const
