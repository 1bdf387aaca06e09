/**
 * The plan of a club's month: who visits when, and what becomes of it. Pure, and the same for the same seed. Times are
 * of the club's own day, so they keep their hour over a clock change.
 */
import { instantOf, localDateOf } from "#base/local-days.ts"
import { nextChangeAfter, offsetAt } from "#base/zones/wall-clock.ts"

export interface Visit {
  readonly court: number
  readonly player: number
  /** Instants, milliseconds since the Unix epoch. */
  readonly bookedAt: number
  readonly startAt: number
  readonly pays: "card" | "cash" | "later"
  readonly fate: "comes" | "stays away" | "cancels" | "forgets the hold"
}

export interface ClubPlan {
  readonly visits: readonly Visit[]
  /** Starts of the child's lessons. */
  readonly lessons: readonly number[]
}

export const minuteMs = 60_000
export const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

const wednesday = 3

export interface ClubSize {
  readonly timezone: string
  /** The local hour of play, such as "09:00". There is one, because the clock stops at few instants of a day. */
  readonly hour: string
  readonly courts: number
  readonly players: number
}

/** The last court has the lessons; each of the others has a visit a day. */
export function planMonth(
  random: () => number,
  { timezone, hour, courts, players }: ClubSize,
  { from, days }: { readonly from: number; readonly days: number },
): ClubPlan {
  const one = <T>(of: readonly T[]) => of[Math.floor(random() * of.length)] as T
  const visits: Visit[] = []
  const lessons: number[] = []
  // Counted on the calendar: a day of 25 hours would be found twice by its instants.
  const first = Temporal.PlainDate.from(localDateOf(timezone, from))
  const hourOf = (day: number) => instantOf(timezone, first.add({ days: day }).toString(), hour)
  for (let day = 1; day < days; day++) {
    const startAt = hourOf(day)
    if (first.add({ days: day }).dayOfWeek === wednesday) lessons.push(startAt)
    for (let court = 0; court < courts - 1; court++) {
      const pays = one(["card", "card", "cash", "later"] as const)
      const fate = one(["comes", "comes", "comes", "comes", "stays away", "cancels", "forgets the hold"] as const)
      // Who cancels has booked before the day that a refund needs.
      const daysAhead = (fate === "cancels" ? 2 : 1) + Math.floor(random() * 2)
      const bookedAt = hourOf(day - daysAhead) + hourMs
      if (bookedAt <= from) continue
      visits.push({ court, player: (day + court) % players, bookedAt, startAt, pays, fate })
    }
  }
  return { visits, lessons }
}

/**
 * The beginning of so many days in which every zone changes its clocks. Where their changes are too far from each
 * other, only the first zone does. It lies after `now`, at the midnight of the first zone.
 */
export function startWithChanges(timezones: readonly string[], now: number, days: number): number {
  const [first = "Etc/UTC"] = timezones
  for (let change = nextChangeAfter(first, now + 3 * dayMs); ; change = nextChangeAfter(first, change)) {
    if (!Number.isFinite(change)) return now + dayMs
    const others = timezones.slice(1).map((zone) => nextChangeAfter(zone, change - ((days - 4) * dayMs) / 2))
    const all = [change, ...others]
    const [earliest, latest] = [Math.min(...all), Math.max(...all)]
    const isTogether = latest - earliest <= (days - 4) * dayMs && earliest > now + 3 * dayMs
    if (!isTogether && days > 20 && change < now + 3 * 365 * dayMs) continue
    const start = (isTogether ? earliest : change) - 2 * dayMs
    return instantOf(first, localDateOf(first, start), "00:00")
  }
}

/** The clock changes of a zone in a stretch of time, such as "2027-03-28T01:00Z +1 h". */
export function changesIn(timezone: string, from: number, until: number): string[] {
  const changes: string[] = []
  for (let at = nextChangeAfter(timezone, from); at < until; at = nextChangeAfter(timezone, at)) {
    const byHours = (offsetAt(timezone, at) - offsetAt(timezone, at - 1)) / hourMs
    changes.push(`${new Date(at).toISOString().slice(0, 16)}Z ${byHours > 0 ? "+" : "−"}${Math.abs(byHours)} h`)
  }
  return changes
}

/** Numbers from 0 to 1 that follow from a seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
