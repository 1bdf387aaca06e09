/**
 * What a reader may switch off, in the reader's words: "mails about …". Each type that can be switched off has some.
 */
import type { Language } from "#base/languages.ts"

const of = (en: string, de: string) => ({ en, de })

const webhooks = of("webhooks that fail or work again", "Webhooks, die gestört sind oder wieder gehen")
const series = of("the bookings of a series", "die Buchungen einer Serie")
const blocks = of("coaching hours", "Trainerzeiten")
const plan = of("the plan of your club", "das Abo deines Vereins")

const typeWords: Readonly<Record<string, Readonly<Record<Language, string>>>> = {
  "booking.confirmed": of("confirmed bookings", "bestätigte Buchungen"),
  "booking.cancelled": of("cancelled bookings", "abgesagte Buchungen"),
  "booking.rescheduled": of("moved bookings", "verschobene Buchungen"),
  "booking.reminder.due": of("bookings that begin soon", "Buchungen, die bald beginnen"),
  "booking.no_show": of("missed bookings", "versäumte Buchungen"),
  "booking.no_show.undone": of("no-shows that were taken back", "zurückgenommene Versäumnisse"),
  "booking.local_time_changed": of("bookings whose local time changed", "Buchungen, deren Ortszeit sich geändert hat"),
  "booking.approval.requested": of("bookings that wait for approval", "Buchungen, die auf Freigabe warten"),
  "booking.approval.granted": of("approved bookings", "freigegebene Buchungen"),
  "booking.approval.rejected": of("rejected bookings", "abgelehnte Buchungen"),
  "booking.approval.expired": of("requests that expired", "abgelaufene Anfragen"),
  "booking.payment_voided": of("payments that came too late", "Zahlungen, die zu spät kamen"),
  "booking.struck": of("bookings that a closure affects", "Buchungen, die eine Sperrung trifft"),
  "recurring_booking.created": series,
  "recurring_booking.changed": of("changes of a series", "Änderungen einer Serie"),
  "recurring_booking.cancelled": of("cancelled series", "abgesagte Serien"),
  "recurring_booking.blocked": of("series that cannot go on", "Serien, die nicht weitergehen"),
  "feedback.published": of("feedback after a lesson", "Rückmeldungen nach dem Training"),
  "waitlist.offered": of("slots that you wait for", "Plätze, auf die du wartest"),
  "waitlist.expired": of("offers that ended", "abgelaufene Angebote"),
  "payment.succeeded": of("payments that arrived", "eingegangene Zahlungen"),
  "payment.failed": of("payments that failed", "fehlgeschlagene Zahlungen"),
  "payment.refunded": of("refunds", "Erstattungen"),
  "payment.refund_failed": of("refunds that failed", "fehlgeschlagene Erstattungen"),
  "booking.payment_overdue": of("bookings that are not paid", "unbezahlte Buchungen"),
  "facility.payments_overdue": of("unpaid bookings of your club", "unbezahlte Buchungen deines Vereins"),
  "invoice.issued": of("invoices over a month", "Rechnungen über einen Monat"),
  "subscription.limit_warning": of("limits of your plan", "Grenzen eures Abos"),
  "subscription.renewed": plan,
  "subscription.cancelled": of("the end of your club's plan", "das Ende eures Abos"),
  "subscription.plan_changed": of("changes of your club's plan", "Änderungen eures Abos"),
  "subscription.status_changed": of("the state of your club's plan", "den Stand eures Abos"),
  "feedback.enhanced": of("suggestions for your feedback", "Vorschläge für deine Rückmeldungen"),
  "coach.block.requested": blocks,
  "coach.block.approved": of("approved coaching hours", "freigegebene Trainerzeiten"),
  "coach.block.rejected": of("rejected coaching hours", "abgelehnte Trainerzeiten"),
  "coach.block.struck": of("coaching hours that a closure affects", "Trainerzeiten, die eine Sperrung trifft"),
  "coach.block.expired": of("requests for coaching hours that expired", "abgelaufene Anfragen nach Trainerzeiten"),
  "webhook.failing": webhooks,
  "webhook.disabled": of("webhooks that were switched off", "abgeschaltete Webhooks"),
  "webhook.recovered": of("webhooks that work again", "Webhooks, die wieder gehen"),
  "calendar.sync.failing": of("calendars that are not in step", "Kalender, die nicht auf dem Stand sind"),
  "calendar.conflict.found": of(
    "calendars that are busy where bookings stand",
    "Kalender, die belegt sind, wo Buchungen stehen",
  ),
  "facility.report.made": of("each day of your club", "jeden Tag deines Vereins"),
  "progress.summary.made": of("the progress of each week", "die Fortschritte jeder Woche"),
  "facility.job.failing": of("scheduled jobs of your club that fail", "geplante Jobs deines Vereins, die fehlschlagen"),
  "facility.job.recovered": of(
    "scheduled jobs of your club that work again",
    "geplante Jobs deines Vereins, die wieder gehen",
  ),
  "platform.failing": of("trouble of the platform", "Störungen der Plattform"),
  "platform.recovered": of("trouble of the platform that is over", "behobene Störungen der Plattform"),
}

/** The words of all types, by type. */
export const typeWordsIn = (language: Language): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(typeWords).map(([type, words]) => [type, words[language]]))

/** Such as "cancelled bookings"; undefined: no reader is told of this type by choice. */
export const wordsOfType = (type: string, language: Language): string | undefined => typeWords[type]?.[language]
