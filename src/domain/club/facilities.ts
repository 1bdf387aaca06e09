/**
 * Facilities and their settings. Local rules (opening hours) are kept as local times with the zone.
 * Every change of settings increments `version`, which invalidates cached availability.
 * Writes: facilities.
 */
import * as Schema from "effect/Schema"
import {
  bestRole,
  bestRoleInOrganization,
  type Caller,
  facilitiesWith,
  isAtLeast,
  isPlatformAdmin,
  requireAdmin,
  requireOrganizationAdmin,
  requirePlatformAdmin,
} from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotAllowed, NotFound, RuleBroken } from "#base/errors.ts"
import { newId, platformFacilityId } from "#base/ids.ts"
import { type Language, LanguageField } from "#base/languages.ts"
import { requireMovable } from "#base/money.ts"
import { keyAfter, type Page, pageLimitOf, pageOf, pageQuery } from "#base/schema/page.ts"
import { Currency, Id, Name, Timezone, Version } from "#base/schema/request-fields.ts"
import { atMost, lineUpTo } from "#base/schema/text-fields.ts"
import { endKeysIn } from "#domain/people/api-key-rows.ts"
import { belongsTo, isPerson } from "#domain/people/find-person.ts"
import { keepGrant } from "#domain/people/roles.ts"
import { noteChange } from "#events/audit.ts"
import { record } from "#events/outbox.ts"
import { isOrganization, scopeOf } from "#events/scope.ts"
import { moveClosures } from "./closure-rows.ts"
import { awaitBookings, changeCurrency, requireMovesKnown } from "./meaning-of-settings.ts"
import { OpeningHours } from "./opening-hours.ts"
import { TaxMode, TaxRates } from "./tax-rates.ts"

const minutesOfDay = (least: number, description: string) =>
  Schema.Int.annotate({ description }).check(Schema.isBetween({ minimum: least, maximum: 1440 }))
const maxSportTypes = 50
const SportTypes = Schema.Array(lineUpTo(60)).check(Schema.isMaxLength(maxSportTypes), Schema.isUnique())

const Rate = Schema.String.check(
  atMost(20),
  Schema.isPattern(/^(?:0|[1-9]\d{0,8})(?:\.\d{1,9})?$/u, { expected: "a rate such as 0.51129" }),
  Schema.isPattern(/[1-9]/u, { expected: "a rate above 0" }),
)

/** A club has a site or a few. */
const maxEmbedOrigins = 20
const Origin = Schema.String.check(
  atMost(200),
  Schema.isPattern(/^(?:https:\/\/[a-z0-9.-]+|http:\/\/(?:localhost|127\.0\.0\.1))(?::\d{1,5})?$/u, {
    expected: "an origin such as https://club.example, without a path",
  }),
)

const settings = {
  name: Name,
  timezone: Timezone,
  currency: Currency,
  sportTypes: SportTypes,
  openingHours: OpeningHours,
  slotMinutes: minutesOfDay(5, "length of a slot of the availability, minutes"),
  holdMinutes: minutesOfDay(1, "how long a hold lasts, minutes"),
  taxMode: TaxMode,
  taxRates: TaxRates,
  studentOverlap: Schema.Literals(["allow", "warn", "refuse"]).annotate({
    description: "what a coach session does when one of its students is somewhere else in the club then",
  }),
  language: LanguageField.annotate({ description: "of messages to people who have chosen none" }),
  publicAvailability: Schema.Boolean.annotate({
    description: "anybody sees which slots are free, without an account; default false",
  }),
  embedOrigins: Schema.Array(Origin)
    .check(Schema.isMaxLength(maxEmbedOrigins), Schema.isUnique())
    .annotate({ description: "the sites whose pages may hold the booking page in a frame" }),
}

export const FacilityInput = Schema.Struct({
  ...settings,
  sportTypes: Schema.optionalKey(settings.sportTypes),
  openingHours: Schema.optionalKey(settings.openingHours),
  slotMinutes: Schema.optionalKey(settings.slotMinutes),
  holdMinutes: Schema.optionalKey(settings.holdMinutes),
  taxMode: Schema.optionalKey(settings.taxMode),
  taxRates: Schema.optionalKey(settings.taxRates),
  studentOverlap: Schema.optionalKey(settings.studentOverlap),
  language: Schema.optionalKey(settings.language),
  publicAvailability: Schema.optionalKey(settings.publicAvailability),
  embedOrigins: Schema.optionalKey(settings.embedOrigins),
  ownerId: Schema.optionalKey(Id.annotate({ description: "the person who owns it; default: the caller" })),
  organizationId: Schema.optionalKey(Id.annotate({ description: "the organization that runs it" })),
})

export const SettingsInput = Schema.Struct({
  name: Schema.optionalKey(settings.name),
  timezone: Schema.optionalKey(settings.timezone),
  currency: Schema.optionalKey(settings.currency),
  sportTypes: Schema.optionalKey(settings.sportTypes),
  openingHours: Schema.optionalKey(settings.openingHours),
  slotMinutes: Schema.optionalKey(settings.slotMinutes),
  holdMinutes: Schema.optionalKey(settings.holdMinutes),
  taxMode: Schema.optionalKey(settings.taxMode),
  taxRates: Schema.optionalKey(settings.taxRates),
  studentOverlap: Schema.optionalKey(settings.studentOverlap),
  language: Schema.optionalKey(settings.language),
  publicAvailability: Schema.optionalKey(settings.publicAvailability),
  embedOrigins: Schema.optionalKey(settings.embedOrigins),
  organizationId: Schema.optionalKey(Schema.NullOr(Id)).annotateKey({
    description:
      "for an owner of the facility who is an administrator of the organization that it joins, and of the one that it leaves",
  }),
  convertPricesAt: Schema.optionalKey(Rate).annotateKey({
    description: "with a new currency: what one unit of the old one costs in it, such as 0.51129; converts all prices",
  }),
  timezoneMoves: Schema.optionalKey(Schema.Literals(["keep_instant"])).annotateKey({
    description: "with a new timezone: bookings that stand keep their instant, and so show another local time",
  }),
})

export const Facility = Schema.Struct({
  id: Id,
  ...settings,
  organizationId: Schema.NullOr(Id),
  ownerId: Id,
  version: Version,
  createdAt: Schema.String,
  updatedAt: Schema.String,
})
export type Facility = typeof Facility.Type

/**
 * Records `facility.created`. The owner, if a person, becomes its `facility_owner`.
 * Platform administrators make facilities anywhere; owners and administrators of an organization make them in it, for
 * one of the organization's own.
 * @throws NotAllowed, NotFound, RuleBroken `owner_unknown`
 */
export async function createFacility(
  tx: Tx,
  caller: Caller,
  input: typeof FacilityInput.Type,
  id = newId(),
): Promise<Facility> {
  const organizationId = input.organizationId?.toLowerCase() ?? null
  if (organizationId === null) requirePlatformAdmin(caller)
  else await requireJoinable(tx, caller, organizationId)
  const ownerId = input.ownerId?.toLowerCase() ?? caller.userId
  const ownedByPerson = await isPerson(tx, ownerId)
  const isForeign =
    !isPlatformAdmin(caller) &&
    organizationId !== null &&
    ownerId !== caller.userId &&
    !(await belongsTo(tx, ownerId, { scopeType: "organization", scopeId: organizationId }))
  if (input.ownerId !== undefined && (!ownedByPerson || isForeign)) {
    const fault = { path: "body.ownerId", message: "Expected the id of a person" }
    throw new RuleBroken("owner_unknown", "There is no such person to own the facility.", [fault])
  }
  const { name, timezone, currency, sportTypes = [], openingHours = {}, slotMinutes = 60, holdMinutes = 5 } = input
  const { taxMode = "inclusive", taxRates = {}, studentOverlap = "warn", language = "en" } = input
  const { publicAvailability = false, embedOrigins = [] } = input
  const [row] = await tx<FacilityRow[]>`
    insert into slotbase.facilities (id, name, timezone, currency, sport_types, opening_hours, slot_minutes, hold_minutes,
      tax_mode, tax_rates, student_overlap, language, public_availability, embed_origins, organization_id, owner_id)
    values (${id}, ${name}, ${timezone}, ${currency}, ${tx.array([...sportTypes])}::text[], ${tx.json(openingHours as never)},
            ${slotMinutes}, ${holdMinutes}, ${taxMode}, ${tx.json(taxRates)}, ${studentOverlap}, ${language},
            ${publicAvailability}, ${tx.array([...embedOrigins])}::text[], ${organizationId}, ${ownerId})
    returning *`
  if (!row) throw new Error("createFacility: the insert answered no row")
  if (ownedByPerson) {
    const scope = { scopeType: "facility", scopeId: id } as const
    await keepGrant(tx, { userId: ownerId, role: "facility_owner", ...scope, grantedBy: caller.userId })
  }
  record(tx, {
    type: "facility.created",
    ...scopeOf(row),
    data: { facilityId: id, name, timezone, sportTypes: [...sportTypes], ownerId },
  })
  const facility = facilityOf(row)
  noteChange(tx, { facilityId: id, after: facility })
  return facility
}

/**
 * Changes the fields that differ and records `facility.settings_updated` with their names. Without a difference nothing
 * is written. A new time zone moves closures of whole days to the same days there.
 * @throws NotAllowed, NotFound, WrongState (currency_in_use, timezone_moves), RuleBroken `price_out_of_range`
 */
export async function changeSettings(
  tx: Tx,
  caller: Caller,
  facilityId: string,
  input: typeof SettingsInput.Type,
): Promise<Facility> {
  requireAdmin(caller, facilityId)
  // Locked, so that two concurrent changes increment one after the other, and each names the fields that it changed.
  const [row] = await tx<FacilityRow[]>`
    select * from slotbase.facilities where id = ${facilityId} and id <> ${platformFacilityId} for no key update`
  if (!row) throw new NotFound("facility", facilityId)
  const before = facilityOf(row)
  const organizationId = input.organizationId === undefined ? before.organizationId : lower(input.organizationId)
  const { convertPricesAt: rate, timezoneMoves: moves, ...given } = input
  const after: Facility = { ...before, ...given, organizationId }
  const changed = settingNames.filter((name) => !Bun.deepEquals(before[name], after[name]))
  if (changed.length === 0) {
    noteChange(tx, "nothing")
    return before
  }
  if (changed.includes("organizationId")) await requireMayMove(tx, caller, before, organizationId)
  const { currency, timezone } = before
  if (changed.includes("currency") || changed.includes("timezone")) await awaitBookings(tx, facilityId)
  const converted =
    changed.includes("currency") && (await changeCurrency(tx, facilityId, { from: currency, to: after.currency, rate }))
  if (changed.includes("timezone"))
    await requireMovesKnown(tx, facilityId, { from: timezone, to: after.timezone, moves })
  const [updated] = await tx<FacilityRow[]>`
    update slotbase.facilities
    set name = ${after.name}, timezone = ${after.timezone}, currency = ${after.currency},
        sport_types = ${tx.array([...after.sportTypes])}::text[], opening_hours = ${tx.json(after.openingHours as never)},
        slot_minutes = ${after.slotMinutes}, hold_minutes = ${after.holdMinutes}, tax_mode = ${after.taxMode},
        tax_rates = ${tx.json(after.taxRates)}, student_overlap = ${after.studentOverlap}, language = ${after.language},
        public_availability = ${after.publicAvailability}, embed_origins = ${tx.array([...after.embedOrigins])}::text[],
        organization_id = ${organizationId}, version = version + 1, updated_at = slotbase.now()
    where id = ${facilityId}
    returning *`
  if (changed.includes("timezone")) await moveClosures(tx, facilityId, after.timezone)
  if (changed.includes("organizationId")) await endKeysIn(tx, facilityId)
  record(tx, {
    type: "facility.settings_updated",
    ...scopeOf(updated ?? row),
    data: { facilityId, changedSettings: [...changed, ...(converted ? ["prices"] : [])], changedBy: caller.userId },
  })
  const changedTo = facilityOf(updated ?? row)
  noteChange(tx, { subjectType: "facility", before, after: changedTo })
  return changedTo
}

export const FacilityQuery = Schema.Struct({ ...pageQuery, organizationId: Schema.optionalKey(Id) })

/** The facilities in which the caller holds a role, the oldest first; all of them for a platform administrator. */
export async function listFacilities(
  db: Queryable,
  caller: Caller,
  query: typeof FacilityQuery.Type,
): Promise<Page<Facility>> {
  const limit = pageLimitOf(query)
  const [after] = keyAfter(query, Schema.Tuple([Id])) ?? [platformFacilityId]
  const { organizationId } = query
  const rows = await db<FacilityRow[]>`
    select * from slotbase.facilities
    where id > ${after} ${isPlatformAdmin(caller) ? db`` : db`and id = any (${facilitiesWith(caller, "parent")})`}
      ${organizationId === undefined ? db`` : db`and organization_id = ${organizationId}`}
    order by id limit ${limit + 1}`
  return pageOf(rows, limit, (row) => [row.id], facilityOf)
}

/** Throws NotFound when there is no such facility. */
export async function requireFacility(db: Queryable, facilityId: string): Promise<void> {
  if (!(await isFacility(db, facilityId))) throw new NotFound("facility", facilityId)
}

/** Throws NotFound. */
export async function findFacility(db: Queryable, facilityId: string): Promise<Facility> {
  const [row] = await db<FacilityRow[]>`
    select * from slotbase.facilities where id = ${facilityId} and id <> ${platformFacilityId}`
  if (!row) throw new NotFound("facility", facilityId)
  return facilityOf(row)
}

/**
 * Refuses an amount in the facility's currency that a person entered and nobody can move. 0 asks the database nothing.
 * @throws NotFound, RuleBroken `amount_not_movable`
 */
export async function requireMovableIn(
  db: Queryable,
  facilityId: string,
  amount: number | null | undefined,
  path: string,
): Promise<void> {
  if (!amount) return
  const [row] = await db<{ currency: string }[]>`select currency from slotbase.facilities where id = ${facilityId}`
  if (!row) throw new NotFound("facility", facilityId)
  requireMovable(amount, row.currency, path)
}

/** Whether there is such a facility. The platform's own row does not count. */
export async function isFacility(db: Queryable, id: string): Promise<boolean> {
  const rows = await db`select 1 from slotbase.facilities where id = ${id} and id <> ${platformFacilityId}`
  return rows.length > 0
}

/** Invalidates every cached day of the facility: something other than a setting changed its days. */
export async function countUpFacility(tx: Tx, facilityId: string): Promise<void> {
  await tx`update slotbase.facilities set version = version + 1 where id = ${facilityId}`
}

const lower = (id: string | null) => id?.toLowerCase() ?? null

/** The people of the organization get access to the facility. Throws NotFound, NotAllowed. */
async function requireJoinable(tx: Tx, caller: Caller, organizationId: string): Promise<void> {
  requireOrganizationAdmin(caller, organizationId)
  if (!(await isOrganization(tx, organizationId))) throw new NotFound("organization", organizationId)
}

/**
 * Joining an organization makes its owners owners of the facility, so an owner of the facility must decide.
 * Leaving an organization takes the facility from its administrators, so one of them must decide.
 */
async function requireMayMove(tx: Tx, caller: Caller, from: Facility, to: string | null): Promise<void> {
  if (!isAtLeast(bestRole(caller, from.id), "facility_owner")) {
    throw new NotAllowed("Only an owner of the facility may change its organization.")
  }
  if (
    from.organizationId !== null &&
    !isAtLeast(bestRoleInOrganization(caller, from.organizationId), "facility_admin")
  ) {
    throw new NotAllowed("Only an administrator of its organization may take the facility out of it.")
  }
  if (to !== null) await requireJoinable(tx, caller, to)
}

const settingNames = [...(Object.keys(settings) as (keyof typeof settings)[]), "organizationId"] as const
const weekdays = Object.keys(OpeningHours.fields) as (keyof OpeningHours)[]

interface FacilityRow {
  id: string
  name: string
  timezone: string
  currency: string
  sport_types: string[]
  opening_hours: OpeningHours
  slot_minutes: number
  hold_minutes: number
  tax_mode: Facility["taxMode"]
  tax_rates: TaxRates
  student_overlap: typeof settings.studentOverlap.Type
  language: Language
  public_availability: boolean
  embed_origins: string[]
  organization_id: string | null
  owner_id: string
  version: number
  created_at: Date
  updated_at: Date
}

const facilityOf = (row: FacilityRow): Facility => ({
  id: row.id,
  name: row.name,
  timezone: row.timezone,
  currency: row.currency,
  sportTypes: row.sport_types,
  openingHours: inOrder(row.opening_hours),
  slotMinutes: row.slot_minutes,
  holdMinutes: row.hold_minutes,
  taxMode: row.tax_mode,
  taxRates: row.tax_rates,
  studentOverlap: row.student_overlap,
  language: row.language,
  publicAvailability: row.public_availability,
  embedOrigins: row.embed_origins,
  organizationId: row.organization_id,
  ownerId: row.owner_id,
  version: row.version,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
})

/** jsonb sorts keys by their length; people expect Monday first. */
const inOrder = (hours: OpeningHours): OpeningHours =>
  Object.fromEntries(weekdays.flatMap((day) => (hours[day] === undefined ? [] : [[day, hours[day]]])))
