/** What the booking page of a facility shows at first: read from the database, for one answer. */

import { decimalsOf } from "#base/currencies.ts"
import type { Db } from "#base/database/db.ts"
import { NotAuthenticated, NotFound } from "#base/errors.ts"
import { isId } from "#base/ids.ts"
import { type Language, languages } from "#base/languages.ts"
import { isLocalDate, localDateOf } from "#base/local-days.ts"
import { piecesFrom } from "#base/zones/wall-clock.ts"
import { availabilityOf } from "#domain/booking/availability/availability.ts"
import { type Facility, findFacility } from "#domain/club/facilities.ts"
import { requireSlotViewer } from "#domain/club/public-availability.ts"
import { testCards } from "#domain/payments/providers/local.ts"
import { typesOfPlayers } from "#outbound/messages/preferences/switchable.ts"
import { typeWordsIn } from "#outbound/messages/preferences/type-words.ts"
import type { PageFacts } from "#web/booking/facts.ts"
import type { Offset } from "#web/booking/times.ts"

export interface PageAsked {
  readonly facilityId: string
  readonly query: URLSearchParams
  readonly acceptLanguage: string | null
  readonly stripeKey: string | undefined
  /** Whether Stripe takes the payments. */
  readonly takesStripe: boolean
}

export interface Found {
  readonly facts: PageFacts
  readonly facility: Facility
}

/** Parameters that make no sense count as left out: an old link still opens the page. Throws NotFound. */
export async function findFacts(db: Db, asked: PageAsked): Promise<Found> {
  const { facilityId, query } = asked
  const facility = await findFacility(db, facilityId)
  const { id, name, timezone, organizationId } = facility
  const [clock] = await db<{ now: Date }[]>`select slotbase.now() as now`
  const now = clock?.now.getTime() ?? Date.now()
  const today = localDateOf(facility.timezone, now)
  const days = { firstDay: dateAfter(today, -yearsBack), lastDay: dateAfter(today, yearsAhead) }
  const date = dateIn(query, days) ?? today
  const court = isId(query.get("court") ?? "") ? (query.get("court")?.toLowerCase() ?? null) : null
  const language = pageLanguageOf(query, asked.acceptLanguage, facility.language)
  const facts: PageFacts = {
    facility: { id, name, timezone, organizationId },
    language,
    date,
    ...days,
    today,
    court,
    day: await dayOf(db, facilityId, date, court),
    isEmbedded: query.get("embed") === "1",
    stripeKey: asked.stripeKey ?? null,
    testCards: asked.takesStripe ? [] : Object.entries(testCards).map(([token, { label }]) => [token, label] as const),
    kindsOfPlayers: typesOfPlayers,
    messageKinds: { en: typeWordsIn("en"), de: typeWordsIn("de") },
    now,
    offsets: offsetsOf(facility.timezone, now),
    currency: facility.currency,
    decimals: decimalsOf(facility.currency),
  }
  return { facts, facility }
}

async function dayOf(db: Db, facilityId: string, date: string, court: string | null) {
  try {
    const viewer = await requireSlotViewer(db, facilityId, { hasToken: false, caller: nobody })
    const { position, epoch, resources } = await availabilityOf(db, viewer, { date, resourceId: court ?? undefined })
    return { date, position, epoch, resources }
  } catch (error) {
    if (error instanceof NotAuthenticated) return null
    if (error instanceof NotFound) return { date, position: "0", epoch: "", resources: [] }
    throw error
  }
}

const nobody = async () => {
  throw new NotAuthenticated("nobody is signed in")
}

/** A calendar day that can be shown. */
function dateIn(query: URLSearchParams, { firstDay, lastDay }: Pick<PageFacts, "firstDay" | "lastDay">) {
  const date = query.get("date") ?? ""
  return isLocalDate(date) && date >= firstDay && date <= lastDay ? date : undefined
}

/** A club takes bookings at most ten years ahead. */
const [yearsBack, yearsAhead] = [2, 10]

const dateAfter = (date: string, years: number): string => Temporal.PlainDate.from(date).add({ years }).toString()

/** The language of the address, else of the browser, else another. */
export function pageLanguageOf(query: URLSearchParams, accepted: string | null, otherwise: Language): Language {
  const isKnown = (code: string | null | undefined): code is Language => languages.some((each) => each === code)
  const asked = query.get("lang")
  if (isKnown(asked)) return asked
  const preferred = (accepted ?? "").split(",").map((each) => each.trim().slice(0, 2).toLowerCase())
  return preferred.find(isKnown) ?? otherwise
}

const yearMs = 366 * 24 * 60 * 60_000

/** The offsets of the zone for all days that can be shown: a missing one would show a time that is an hour off. */
function offsetsOf(timezone: string, now: number): Offset[] {
  const found: Offset[] = []
  for (const { from, offset } of piecesFrom(timezone, now - (yearsBack + 1) * yearMs)) {
    if (from > now + (yearsAhead + 1) * yearMs) break
    found.push([Math.max(from, 0), offset / 60_000])
  }
  return found
}
