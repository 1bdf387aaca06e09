/** The words of the pages that links of mails open. */
import type { Language } from "#base/languages.ts"

const of = (en: string, de: string) => ({ en, de })

export const pageWords = {
  ended: of("This link opens nothing", "Dieser Link öffnet nichts"),
  endedWhy: of(
    "It is over, or it was sent to another address. Sign in to see your bookings.",
    "Er gilt nicht mehr, oder er ging an eine andere Adresse. Melde dich an, um deine Buchungen zu sehen.",
  ),
  bookings: of("The bookings of your series", "Die Buchungen deiner Serie"),
  invoice: of("Invoice", "Rechnung"),
  receipt: of("Receipt", "Quittung"),
  creditNote: of("Credit note", "Rechnungskorrektur"),
  back: of("Back to the series", "Zurück zur Serie"),
  status: of("Status", "Stand"),
  cancel: of("Cancel the booking …", "Buchung absagen …"),
  sure: of("Cancel this booking?", "Diese Buchung absagen?"),
  confirmCancel: of("Yes, cancel it", "Ja, absagen"),
  keep: of("No, keep it", "Nein, behalten"),
  refundAll: of("You get back all that was paid:", "Du bekommst alles zurück, was bezahlt wurde:"),
  refundPart: of("You get back:", "Du bekommst zurück:"),
  refundNone: of(
    "What was paid stays with the club: it is too late for a refund.",
    "Was bezahlt wurde, behält der Verein: Für eine Erstattung ist es zu spät.",
  ),
  nothingPaid: of("Nothing was paid, so nothing is refunded.", "Es wurde nichts bezahlt, also wird nichts erstattet."),
  release: of("Give it back", "Zurückgeben"),
  accept: of("Accept the offer", "Angebot annehmen"),
  decline: of("Decline it", "Ablehnen"),
  accepted: of("You accepted the offer.", "Du hast das Angebot angenommen."),
  declined: of(
    "You declined the offer. The slot goes to the next in line.",
    "Du hast das Angebot abgelehnt. Der Platz geht an die nächste Person.",
  ),
  cancelled: of("The booking is cancelled.", "Die Buchung ist abgesagt."),
  givenBack: of("The slot is given back.", "Der Platz ist zurückgegeben."),
  payUntil: of(
    "It is held for you. Pay until then, or it becomes free again:",
    "Der Platz ist für dich reserviert. Bezahl bis dann, sonst wird er wieder frei:",
  ),
  howToPay: of(
    "Pay where you book online, or at the front desk.",
    "Bezahl dort, wo du online buchst, oder am Empfang.",
  ),
  orThere: of(
    "Sign in to pay by card, or pay at the front desk.",
    "Melde dich an und bezahl mit Karte, oder bezahl am Empfang.",
  ),
  signInToPay: of("Sign in and pay by card", "Anmelden und mit Karte bezahlen"),
  signIn: of("Sign in", "Anmelden"),
  payThere: of("Please pay at the front desk before you play:", "Bitte bezahle vor dem Spiel am Empfang:"),
  offerOver: of(
    "This offer is over. The slot went to the next in line.",
    "Dieses Angebot ist vorbei. Der Platz ging an die nächste Person.",
  ),
  notTogether: of("This could not be done.", "Das ging nicht."),
} as const satisfies Readonly<Record<string, Readonly<Record<Language, string>>>>

/** The state of a booking, as its reader would say it. */
export const statusWords: Readonly<Record<string, Readonly<Record<Language, string>>>> = {
  held: of("Held, not booked yet", "Reserviert, noch nicht gebucht"),
  pending: of("Waits for approval", "Wartet auf Freigabe"),
  confirmed: of("Booked", "Gebucht"),
  checked_in: of("You are here", "Du bist da"),
  completed: of("Over", "Vorbei"),
  cancelled: of("Cancelled", "Abgesagt"),
  no_show: of("Missed", "Versäumt"),
  expired: of("Expired", "Abgelaufen"),
  released: of("Given back", "Zurückgegeben"),
}

/** Why something was refused. In English the sentence of the refusal itself is shown. */
export const refusalWords: Readonly<Record<string, string>> = {
  booking_started: "Die Buchung hat begonnen; jetzt kann sie nur noch das Personal absagen.",
  booking_not_confirmed: "Die Buchung kann nicht mehr abgesagt werden.",
  offer_expired: "Das Angebot ist abgelaufen; der Platz geht an die nächste Person.",
  no_offer: "Zurzeit gibt es kein Angebot.",
  waitlist_entry_ended: "Das Angebot wurde schon beantwortet.",
  facility_closed: "Dann ist geschlossen.",
  question_unanswered: "Der Verein stellt zu dieser Buchung Fragen. Melde dich an, um sie zu beantworten.",
  booking_restricted: "Du kannst zurzeit nicht buchen. Bitte sprich mit dem Verein.",
  member_limit_reached: "Du hast schon so viele Buchungen, wie der Verein erlaubt.",
}
