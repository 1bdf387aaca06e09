/** What events name by a code, in words. A code without words here is shown as it is written, without underscores. */
import type { Language } from "#base/languages.ts"

type Words = Readonly<Record<string, Readonly<Record<Language, string>>>>

const of = (en: string, de: string) => ({ en, de })

/** Kinds of bookings, payments and limits. */
const names: Words = {
  open_play: of("Open play", "Freies Spiel"),
  coaching: of("Coaching", "Training"),
  lesson: of("Lesson", "Trainerstunde"),
  tournament: of("Tournament", "Turnier"),
  class: of("Class", "Kurs"),
  event: of("Event", "Veranstaltung"),
  maintenance: of("Maintenance", "Platzpflege"),
  card: of("Card", "Karte"),
  saved_card: of("Saved card", "Gespeicherte Karte"),
  sepa_debit: of("Direct debit", "Lastschrift"),
  cash: of("Cash", "Bar"),
  check: of("Cheque", "Scheck"),
  bank_transfer: of("Bank transfer", "Überweisung"),
  online: of("Online", "Online"),
  offline: of("At the club", "Vor Ort"),
  other: of("Other", "Sonstiges"),
  active_users: of("Active users", "Aktive Personen"),
  bookings_per_month: of("Bookings per month", "Buchungen im Monat"),
  resources: of("Resources", "Plätze"),
  coaches: of("Coaches", "Trainer"),
  storage: of("Storage", "Speicher"),
  booking: of("Booking", "Buchung"),
  subscription: of("Subscription", "Abo"),
  invoice: of("Invoice", "Rechnung"),
}

/** Reasons with a code. In English the event's own sentence is shown, so these have German words alone. */
const reasons: Readonly<Record<string, string>> = {
  card_declined: "Die Karte wurde abgelehnt.",
  insufficient_funds: "Auf dem Konto ist nicht genug Geld.",
  expired_card: "Die Karte ist abgelaufen.",
  incorrect_cvc: "Die Prüfziffer der Karte stimmt nicht.",
  processing_error: "Bei der Bezahlung ist ein Fehler aufgetreten.",
  lost_or_stolen_card: "Die Karte wurde gesperrt.",
  authentication_required: "Deine Bank verlangt, dass du die Zahlung bestätigst.",
  not_found: "Den Verein, den Platz oder die Person gibt es nicht mehr.",
  not_allowed: "Die Person darf diese Buchungen nicht mehr machen.",
  booker_left: "Die Person ist nicht mehr Mitglied.",
  key_ended: "Der API-Schlüssel, der die Serie angelegt hat, gilt nicht mehr.",
  booking_restricted: "Die Person darf zurzeit nicht buchen.",
  resource_gone: "Der Platz kann nicht mehr gebucht werden.",
  series_not_paid_online: "Eine Serie, die etwas kostet, wird vom Personal gebucht.",
  slot_taken: "schon vergeben",
  facility_closed: "geschlossen",
}

/** Such as "Bank transfer" for bank_transfer. */
export function wordsFor(code: string, language: Language): string {
  const known = names[code]?.[language]
  if (known !== undefined) return known
  const plain = code.replaceAll("_", " ")
  return plain.charAt(0).toUpperCase() + plain.slice(1)
}

/** @param said the event's own sentence, in English */
export const reasonFor = (code: string, said: string, language: Language): string =>
  language === "en" ? said : (reasons[code] ?? said)
