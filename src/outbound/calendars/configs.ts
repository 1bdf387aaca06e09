/**
 * Connecting, changing and disconnecting calendars. A person connects a calendar of their own; staff connect that of a
 * resource. Staff see all calendars of the facility, and may pause and disconnect them.
 */

import * as Schema from "effect/Schema"
import { type Member, requireStaffMember } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { InvalidInput, NotAllowed, NotFound, RuleBroken, WrongState } from "#base/errors.ts"
import { sendHint } from "#base/hints.ts"
import { newId } from "#base/ids.ts"
import { keyAfter, type Page, pageLimitOf, pageOf } from "#base/schema/page.ts"
import { Id } from "#base/schema/request-fields.ts"
import type { SecretBox } from "#base/secrets.ts"
import { noteChange } from "#events/audit.ts"
import { endChannels } from "./channels/channels.ts"
import { takeConsent } from "./consents/consents.ts"
import { requireCredentials, sealCredentials } from "./credentials.ts"
import {
  type CalendarCredentials,
  type CalendarSyncConfig,
  type CalendarSyncInput,
  type CalendarSyncPatch,
  calendarEvents,
  type SyncDirection,
} from "./input.ts"
import { forgetAllPulled, takeBusy } from "./pulled.ts"
import {
  type CalendarSyncRow,
  deleteSync,
  insertSync,
  listSyncRows,
  lockSync,
  syncNow,
  toSyncConfig,
  updateSync,
} from "./rows.ts"
import { serviceHosts } from "./services.ts"
import { defaultTemplates } from "./words.ts"
import { askForAll, askForMissing, dropWork } from "./work.ts"

/** Calendars of one person or resource in a facility. Each is asked every few minutes. */
const maxCalendars = 5

/**
 * Connects a calendar, and asks for all bookings to come.
 * @throws InvalidInput, NotAllowed, RuleBroken pull_needs_coach, too_many_calendars, WrongState calendar_connected
 */
export async function connectCalendar(
  tx: Tx,
  secrets: SecretBox,
  member: Member,
  input: CalendarSyncInput,
): Promise<CalendarSyncConfig> {
  const { caller, facilityId } = member
  const { provider, credentials, resourceId, syncDirection = "push", events = calendarEvents } = input
  if (caller.kind !== "person") throw new NotAllowed("A calendar is connected by a person, who is told when it fails.")
  if (resourceId !== undefined) {
    requireStaffMember(member)
    await requireResource(tx, facilityId, resourceId)
  } else await requireMayPull(tx, member.facilityId, caller.userId, syncDirection)
  requireCredentials(provider, credentials)
  const { calendarId, host } = placeOfCalendar(input)
  await requireRoomForCalendar(tx, facilityId, caller.userId, resourceId)
  const id = newId()
  const inserted = await insertSync(tx, {
    id,
    facility_id: facilityId,
    user_id: caller.userId,
    resource_id: resourceId ?? null,
    provider,
    credentials: await sealGiven(tx, secrets, member, { id, provider }, credentials),
    calendar_id: calendarId,
    host,
    sync_direction: syncDirection,
    events: [...events],
    title_template: input.titleTemplate ?? defaultTemplates.title,
    description_template: input.descriptionTemplate ?? defaultTemplates.description,
    location_template: input.locationTemplate ?? defaultTemplates.location,
  })
  if (!inserted) throw new WrongState("calendar_connected", "This calendar is connected already.")
  const row = await lockOwn(tx, member, id)
  if (syncDirection !== "pull") await askForMissing(tx, row)
  return changed(tx, facilityId, id)
}

/** Changes what is given. Staff may change the status alone of a calendar that is not theirs. */
export async function changeCalendar(
  tx: Tx,
  secrets: SecretBox,
  member: Member,
  id: string,
  patch: CalendarSyncPatch,
): Promise<CalendarSyncConfig> {
  const { facilityId, caller } = member
  const old = await lockOwn(tx, member, id)
  const isOwn = old.user_id === caller.userId || old.resource_id !== null
  if (!isOwn && Object.keys(patch).some((name) => name !== "syncStatus"))
    throw new NotAllowed("Only its owner changes more of a calendar than its status.")
  const direction = patch.syncDirection ?? old.sync_direction
  if (old.resource_id === null && patch.syncDirection !== undefined)
    await requireMayPull(tx, facilityId, old.user_id, direction)
  if (patch.credentials) requireCredentials(old.provider, patch.credentials)
  const row: CalendarSyncRow = {
    ...old,
    credentials: patch.credentials ? await sealGiven(tx, secrets, member, old, patch.credentials) : old.credentials,
    sync_direction: direction,
    events: [...(patch.events ?? old.events)],
    title_template: patch.titleTemplate ?? old.title_template,
    description_template: patch.descriptionTemplate ?? old.description_template,
    location_template: patch.locationTemplate ?? old.location_template,
    sync_status: patch.syncStatus ?? (old.sync_status === "paused" ? "paused" : "active"),
  }
  await updateSync(tx, row)
  if (direction === "push" || row.sync_status === "paused" || patch.credentials) await endChannels(tx, old)
  if (direction === "push" && old.sync_direction !== "push") await freeBusy(tx, row)
  if (direction === "pull") await dropWork(tx, row)
  else {
    await askForAll(tx, row)
    await askForMissing(tx, row)
  }
  const shown = await changed(tx, facilityId, id)
  noteChange(tx, {
    before: settingsOf(old),
    after: { ...settingsOf(row), ...(patch.credentials && { credentials: "replaced" }) },
  })
  return shown
}

/** What the audit trail shows of a calendar. A failure that is tried anew is no change of its settings. */
const settingsOf = (row: CalendarSyncRow) => ({
  syncStatus: row.sync_status === "paused" ? "paused" : "active",
  syncDirection: row.sync_direction,
  events: row.events,
  titleTemplate: row.title_template,
  descriptionTemplate: row.description_template,
  locationTemplate: row.location_template,
})

/** Disconnects it. What stands in the calendar stays there; whoever connects it again finds and adopts it. */
export async function disconnectCalendar(tx: Tx, member: Member, id: string): Promise<void> {
  const row = await lockOwn(tx, member, id)
  await freeBusy(tx, row)
  await endChannels(tx, row)
  await deleteSync(tx, member.facilityId, id)
}

/** Looks at the calendar now. @throws WrongState calendar_paused */
export async function askForSync(tx: Tx, member: Member, id: string): Promise<CalendarSyncConfig> {
  const row = await lockOwn(tx, member, id)
  if (row.sync_status === "paused") throw new WrongState("calendar_paused", "The calendar is paused.")
  await syncNow(tx, member.facilityId, id)
  return changed(tx, member.facilityId, id)
}

/** One's own calendars; for staff all of the facility. */
export async function listCalendars(
  db: Queryable,
  member: Member,
  query: { readonly limit?: string; readonly after?: string },
): Promise<Page<CalendarSyncConfig>> {
  const limit = pageLimitOf(query)
  const [afterId] = keyAfter(query, Schema.Tuple([Id])) ?? []
  const rows = await listSyncRows(db, member.facilityId, {
    ...(!member.isStaff && { userId: member.caller.userId }),
    ...(afterId !== undefined && { afterId }),
    limit: limit + 1,
  })
  return pageOf(rows, limit, (row) => [row.id], toSyncConfig)
}

/** Throws NotFound, also for a calendar of somebody else. */
export async function readCalendar(db: Queryable, member: Member, id: string): Promise<CalendarSyncConfig> {
  const [row] = await listSyncRows(db, member.facilityId, { id, limit: 1 })
  if (!row || !maySee(member, row)) throw new NotFound("calendar", id)
  return toSyncConfig(row)
}

const maySee = (member: Member, row: CalendarSyncRow) => member.isStaff || row.user_id === member.caller.userId

async function lockOwn(tx: Tx, member: Member, id: string): Promise<CalendarSyncRow> {
  const row = await lockSync(tx, member.facilityId, id)
  if (!row || !maySee(member, row)) throw new NotFound("calendar", id)
  return row
}

async function changed(tx: Tx, facilityId: string, id: string): Promise<CalendarSyncConfig> {
  tx.afterCommit(() => sendHint("calendars"))
  const [row] = await listSyncRows(tx, facilityId, { id, limit: 1 })
  if (!row) throw new NotFound("calendar", id)
  return toSyncConfig(row)
}

/** The credentials to keep: of a consent what it is worth. @throws RuleBroken consent_not_valid */
async function sealGiven(
  tx: Tx,
  secrets: SecretBox,
  member: Member,
  { id, provider }: Pick<CalendarSyncRow, "id" | "provider">,
  { consentCode, ...given }: CalendarCredentials,
): Promise<Uint8Array> {
  if (consentCode === undefined) return sealCredentials(secrets, id, given)
  return sealCredentials(secrets, id, { refreshToken: await takeConsent(tx, secrets, member, provider, consentCode) })
}

/** The time that it had is free again. */
async function freeBusy(tx: Tx, row: CalendarSyncRow): Promise<void> {
  await forgetAllPulled(tx, row)
  await takeBusy(tx, row)
}

/** The address of a CalDAV calendar ends with a slash, so that names are found below it. */
function placeOfCalendar({ provider, calendarId }: CalendarSyncInput): { calendarId: string; host: string } {
  if (provider !== "apple") return { calendarId, host: serviceHosts[provider] }
  const url = URL.parse(calendarId)
  if (!url || !/^https?:$/.test(url.protocol) || url.search !== "" || url.hash !== "")
    throw new InvalidInput([{ path: "body.calendarId", message: "Expected the https address of a calendar" }])
  return { calendarId: url.href.endsWith("/") ? url.href : `${url.href}/`, host: url.host }
}

async function requireResource(tx: Tx, facilityId: string, resourceId: string): Promise<void> {
  const rows = await tx`select from slotbase.resources where id = ${resourceId} and facility_id = ${facilityId}`
  if (rows.length === 0) throw new InvalidInput([{ path: "body.resourceId", message: "names nothing" }])
}

/** Nobody asks whether a player is busy, so a player's private calendar is not read. */
async function requireMayPull(tx: Tx, facilityId: string, userId: string, direction: SyncDirection): Promise<void> {
  if (direction === "push") return
  const rows = await tx`
    select from slotbase.facilities f join slotbase.role_grants g on g.user_id = ${userId} and g.role = 'coach'
      and (g.scope_id = f.id or g.scope_id = f.organization_id)
    where f.id = ${facilityId}`
  if (rows.length === 0)
    throw new RuleBroken("pull_needs_coach", "Only the calendars of coaches and of resources are pulled.", [
      { path: "body.syncDirection", message: "must be push" },
    ])
}

async function requireRoomForCalendar(tx: Tx, facilityId: string, userId: string, resourceId?: string): Promise<void> {
  const [row] = await tx<[{ count: number }]>`
    select count(*)::integer as count from slotbase.calendar_syncs
    where facility_id = ${facilityId} and coalesce(resource_id, user_id) = ${resourceId ?? userId}`
  if (row.count >= maxCalendars)
    throw new RuleBroken("too_many_calendars", `At most ${maxCalendars} calendars are connected for one.`)
}
