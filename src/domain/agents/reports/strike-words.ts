/** The lines in which a strike is explained to staff, in the languages of facilities. */
import type { Language } from "#base/languages.ts"

export interface StrikeTold {
  readonly name: string
  readonly resource: string
  /** Local, YYYY-MM-DD and HH:MM. */
  readonly day: string
  readonly time: string
  /** The strikes that count, and those of the last 12 months. */
  readonly counting: number
  readonly strikes: number
  readonly kept: number
  readonly hasFee: boolean
  readonly isRestricted: boolean
  /** A local day; null: staff end the restriction. */
  readonly until: string | null
  readonly isFirst: boolean
}

type Sayings = Readonly<Record<Language, (told: StrikeTold) => readonly string[]>>

export const strikeLines: Sayings = {
  en: (told) => [
    `${told.name} did not come to ${told.resource} on ${told.day} at ${told.time}.`,
    `It is strike ${told.counting} that counts; ${told.strikes} were given in the last 12 months.`,
    `In that time ${told.kept} bookings were kept.`,
    ...(told.hasFee ? ["A fee was charged."] : []),
    told.isRestricted
      ? `Bookings are closed to ${told.name} until ${told.until ?? "staff say otherwise"}.`
      : "Bookings stay open: the number of strikes is below the facility's limit.",
    told.isFirst
      ? "Proposal: waive it. It is the first in 12 months, and the person is reliable."
      : "Proposal: keep it. It is not the first, or too few bookings were kept to judge.",
    "Written by rules. Nothing happens before a person decides.",
  ],
  de: (told) => [
    `${told.name} ist am ${germanDay(told.day)} um ${told.time} nicht erschienen: ${told.resource}.`,
    `Es ist die Verwarnung ${told.counting}, die zählt. In den letzten 12 Monaten gab es ${told.strikes}.`,
    `In dieser Zeit wurden ${told.kept} Buchungen eingehalten.`,
    ...(told.hasFee ? ["Eine Gebühr wurde berechnet."] : []),
    told.isRestricted
      ? `${told.name} kann nicht buchen, bis ${told.until === null ? "das Team es wieder erlaubt" : `zum ${germanDay(told.until)}`}.`
      : "Buchungen bleiben möglich: Es sind weniger Verwarnungen als die Grenze der Anlage.",
    told.isFirst
      ? "Vorschlag: zurücknehmen. Es ist die erste in 12 Monaten, und die Person ist zuverlässig."
      : "Vorschlag: beibehalten. Es ist nicht die erste, oder es gibt zu wenige eingehaltene Buchungen.",
    "Nach Regeln geschrieben. Nichts geschieht, bevor ein Mensch entscheidet.",
  ],
}

/** 2026-03-11 as 11.03.2026. */
export const germanDay = (day: string): string => day.slice(0, 10).split("-").reverse().join(".")
