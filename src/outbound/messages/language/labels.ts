/** The labels of the rows of facts, each once for all messages. */
import type { Language } from "#base/languages.ts"

const of = (en: string, de: string) => ({ en, de })

export const labels = {
  when: of("When", "Wann"),
  where: of("Where", "Wo"),
  before: of("Before", "Bisher"),
  agreed: of("Agreed was", "Vereinbart war"),
  players: of("Players", "Mit dabei"),
  booker: of("Booked by", "Gebucht von"),
  kind: of("Type", "Art"),
  price: of("Price", "Preis"),
  payment: of("Payment", "Bezahlung"),
  paid: of("Paid", "Bezahlt"),
  paidWith: of("Paid with", "Bezahlt mit"),
  paidFor: of("For", "Für"),
  amount: of("Amount", "Betrag"),
  date: of("Date", "Datum"),
  refund: of("Refund", "Erstattung"),
  kept: of("Kept by the club", "Behält der Verein"),
  givenBack: of("Given back", "Zurück an dich"),
  reason: of("Reason", "Grund"),
  fee: of("Fee", "Gebühr"),
  feeWaived: of("Fee waived", "Gebühr erlassen"),
  noShows: of("No-shows", "Nicht erschienen"),
  heldUntil: of("Held until", "Reserviert bis"),
  stillFree: of("Still free", "Noch frei"),
  dates: of("Dates", "Termine"),
  notBooked: of("Not booked", "Nicht gebucht"),
  reference: of("Reference", "Kennung"),
  nextAttempt: of("Next attempt", "Nächster Versuch"),
  firstDay: of("First day that waits", "Erster wartender Tag"),
  time: of("Time", "Uhrzeit"),
  player: of("Player", "Spieler"),
  coach: of("Coach", "Trainer"),
  workedOn: of("Worked on", "Geübt"),
  includes: of("Includes", "Dabei"),
  limitOf: of("Limit of", "Grenze für"),
  used: of("Used", "Genutzt"),
  suggestion: of("Suggestion", "Vorschlag"),
  until: of("Until", "Bis"),
  ends: of("Ends", "Endet"),
  from: of("From", "Ab"),
  since: of("Since", "Seit"),
  began: of("Began", "Begann"),
  overSince: of("Over since", "Vorbei seit"),
  failedSince: of("It had failed since", "Gestört war es seit"),
  worksSince: of("Works again since", "Geht wieder seit"),
  lastError: of("Last error", "Letzter Fehler"),
  waiting: of("Waiting", "Es warten"),
  stillWaiting: of("Still waiting", "Es warten noch"),
  givenUp: of("Given up", "Aufgegeben"),
  open: of("Open", "Offen"),
  dueOn: of("Please pay by", "Fällig am"),
  period: of("For", "Zeitraum"),
  payTo: of("Account", "Konto"),
  days30: of("30 days", "30 Tage"),
  days60: of("60 days", "60 Tage"),
  days90: of("90 days", "90 Tage"),
  wasToGoBack: of("Why it was to go back", "Warum erstattet werden sollte"),
  providerSays: of("What the provider says", "Auskunft des Anbieters"),
  job: of("Job", "Job"),
  webhook: of("Webhook", "Webhook"),
} as const satisfies Readonly<Record<string, Readonly<Record<Language, string>>>>

export type Label = keyof typeof labels

/**
 * With its mark at the end. A German sentence after a comma would begin small, and every lead begins with a capital.
 * @param parentName of the parent who reads the mail of a child without an address
 */
export function greetingOf(language: Language, firstName: string, parentName?: string): string {
  const hello = language === "de" ? "Hallo" : "Hello"
  if (parentName === undefined) return `${hello} ${firstName}`.trim() + (language === "de" ? "!" : ",")
  return `${hello} ${parentName}, ${language === "de" ? "es geht um" : "this is about"} ${firstName}.`
}

export const sentWith: Readonly<Record<Language, string>> = { en: "sent with SlotBase", de: "gesendet mit SlotBase" }
