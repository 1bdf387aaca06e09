/** The lines in which a day is told to staff, in the languages of facilities. */
import type { Language } from "#base/languages.ts"
import { germanDay } from "./strike-words.ts"

/** What may be late, and which figures may be unusual. */
export type LateKind = "event" | "run" | "delivery"
export type DayFigure = "bookings" | "cancellations" | "noShows"

export interface DayWords {
  readonly late: (kind: string, count: number, oldest: Date) => string
  readonly failing: (webhook: string, since: Date) => string
  readonly unusual: (figure: DayFigure, count: number, usual: number) => string
  readonly nothing: (day: string) => string
  readonly tooFewWeeks: string
  readonly byRules: string
}

export const dayWords: Readonly<Record<Language, DayWords>> = {
  en: {
    late: (kind, count, oldest) => {
      const what = lateEn[kind as LateKind] ?? kind
      return `${count === 1 ? `1 ${what} is` : `${count} of the kind “${what}” are`} late, the oldest since ${utc(oldest)}.`
    },
    failing: (webhook, since) => `The endpoint of the webhook “${webhook}” has failed since ${utc(since)}.`,
    unusual: (figure, count, usual) =>
      `${count} ${figuresEn[figure]} are unusual: the same weekday has ${usual.toFixed(1)} on average.`,
    nothing: (day) => `Nothing was odd on ${day}.`,
    tooFewWeeks: "There are too few earlier weeks to say what is usual.",
    byRules: "Written by rules.",
  },
  de: {
    late: (kind, count, oldest) =>
      `Verspätet: ${count} ${(lateDe[kind as LateKind] ?? [kind, kind])[count === 1 ? 0 : 1]}, am längsten seit ${germanUtc(oldest)}.`,
    failing: (webhook, since) =>
      `Die Adresse des Webhooks „${webhook}“ ist seit ${germanUtc(since)} nicht zu erreichen.`,
    unusual: (figure, count, usual) =>
      `Ungewöhnlich: ${count} ${figuresDe[figure][count === 1 ? 0 : 1]}. Am selben Wochentag sind es sonst ${usual.toFixed(1).replace(".", ",")}.`,
    nothing: (day) => `Am ${germanDay(day)} war nichts auffällig.`,
    tooFewWeeks: "Es gibt zu wenige frühere Wochen, um zu sagen, was üblich ist.",
    byRules: "Nach Regeln geschrieben.",
  },
}

const lateEn: Readonly<Record<LateKind, string>> = { event: "event", run: "run of a handler", delivery: "delivery" }
const lateDe: Readonly<Record<LateKind, readonly [string, string]>> = {
  event: ["Ereignis", "Ereignisse"],
  run: ["Lauf eines Handlers", "Läufe von Handlern"],
  delivery: ["Zustellung", "Zustellungen"],
}
const figuresEn: Readonly<Record<DayFigure, string>> = {
  bookings: "bookings",
  cancellations: "cancellations",
  noShows: "no-shows",
}
const figuresDe: Readonly<Record<DayFigure, readonly [string, string]>> = {
  bookings: ["Buchung", "Buchungen"],
  cancellations: ["Absage", "Absagen"],
  noShows: ["Mal nicht erschienen", "Mal nicht erschienen"],
}

const minuteOf = (at: Date) => at.toISOString().slice(11, 16)
const utc = (at: Date) => `${at.toISOString().slice(0, 10)} ${minuteOf(at)} UTC`
const germanUtc = (at: Date) => `${germanDay(at.toISOString())}, ${minuteOf(at)} UTC,`
