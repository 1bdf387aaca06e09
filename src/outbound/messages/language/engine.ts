/**
 * The Liquid engines of messages, one for each language: their filters write amounts and times in that language.
 */
import { Liquid } from "liquidjs"
import type { Language } from "#base/languages.ts"
import {
  localDate,
  localDay,
  localTime,
  localWall,
  money,
  period,
  shortTime,
  weeklyOn,
} from "#outbound/messages/format.ts"
import { reasonFor, wordsFor } from "./words.ts"

/**
 * The templates are the program's own, and their values have limits of their own. These limits end a template that an
 * edit made endless.
 */
export const templateLimits = {
  /** Characters of a template. The longest, the layout, has less than 6,000. */
  parseLimit: 50_000,
  /** Milliseconds. A message takes less than 1; a busy machine takes its time. */
  renderLimit: 2_000,
  /** Characters and elements that filters and loops make. */
  memoryLimit: 1_000_000,
}

/** An unknown variable or filter is an error, never a gap in a mail. A condition may ask for what is not there. */
export const engineOptions = {
  ...templateLimits,
  strictVariables: true,
  strictFilters: true,
  lenientIf: true,
  ownPropertyOnly: true,
}

export function engineOf(language: Language): Liquid {
  const engine = new Liquid(engineOptions)
  const clockOf = (filter: unknown, zone: string) => ({ language, zone, reader: readerOf(filter) })
  engine.registerFilter("money", (amount: number, currency: string) => money(language, amount, currency))
  engine.registerFilter("local_time", function (instant: string, zone: string) {
    return localTime(instant, clockOf(this, zone))
  })
  engine.registerFilter("short_time", function (instant: string, zone: string) {
    return shortTime(instant, clockOf(this, zone))
  })
  engine.registerFilter("period", function (startAt: string, endAt: string, zone: string) {
    return period(startAt, endAt, clockOf(this, zone))
  })
  engine.registerFilter("day", (day: string) => localDay(day, language))
  engine.registerFilter("short_day", (day: string) => localDay(day, language, "short"))
  engine.registerFilter("date", (day: string) => localDate(day, language))
  engine.registerFilter("weekdays", (weekday: number) => weeklyOn(weekday, language))
  engine.registerFilter("wall_time", (wall: string) => localWall(wall, language))
  engine.registerFilter("short_id", shortId)
  engine.registerFilter("words", (code: string) => wordsFor(code, language))
  engine.registerFilter("reason", (code: string, said: string) => reasonFor(code, said, language))
  return engine
}

/** The last six characters of an id, which are random: enough to find a booking of a club, and short on the phone. */
export const shortId = (id: string): string => id.slice(-6).toUpperCase()

/** The zone of the reader, from the view that is being rendered. */
function readerOf(filter: unknown): string | null {
  const { environments } = (filter as { context: { environments: object } }).context
  return (environments as { recipient?: { timezone?: string | null } }).recipient?.timezone ?? null
}
