/**
 * The reminders that a facility sends to its bookers: 24 hours and 1 hour before the start by default, and an
 * optional custom one.
 * Writes: reminder_settings.
 */
import * as Schema from "effect/Schema"
import { type Caller, requireAdmin, requireStaff } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound, RuleBroken } from "#base/errors.ts"
import { isFacility } from "#domain/club/facilities.ts"
import { noteChange } from "#events/audit.ts"
import { record } from "#events/outbox.ts"

const settings = {
  remind24h: Schema.Boolean,
  remind1h: Schema.Boolean,
  customMinutes: Schema.NullOr(Schema.Int.check(Schema.isBetween({ minimum: 5, maximum: 43_200 }))).annotate({
    description: "one more, so many minutes before the start; null: none",
  }),
}
export const ReminderSettings = Schema.Struct(settings).annotate({ identifier: "ReminderSettings" })
export type ReminderSettings = typeof ReminderSettings.Type

/** For staff. Throws NotFound, NotAllowed. */
export async function readReminderSettings(
  db: Queryable,
  caller: Caller,
  facilityId: string,
): Promise<ReminderSettings> {
  requireStaff(caller, facilityId)
  if (!(await isFacility(db, facilityId))) throw new NotFound("facility", facilityId)
  return settingsOf(db, facilityId)
}

/**
 * Replaces all three settings. A custom reminder applies to bookings that reach its instant from now on. Records
 * `facility.settings_updated` with the settings that changed; without a difference nothing is written.
 * Throws NotAllowed, NotFound, RuleBroken `reminded_twice`.
 */
export async function changeReminderSettings(
  tx: Tx,
  caller: Caller,
  facilityId: string,
  wanted: ReminderSettings,
): Promise<ReminderSettings> {
  requireAdmin(caller, facilityId)
  const { remind24h, remind1h, customMinutes } = wanted
  if ((remind24h && customMinutes === 24 * 60) || (remind1h && customMinutes === 60)) {
    const fault = { path: "body.customMinutes", message: "Expected other minutes than those of the other reminders" }
    throw new RuleBroken("reminded_twice", "Two reminders would be sent at the same time.", [fault])
  }
  // The facility's row is the lock: the settings may have none yet.
  const [facility] = await tx`select 1 from slotbase.facilities where id = ${facilityId} for no key update`
  if (!facility || !(await isFacility(tx, facilityId))) throw new NotFound("facility", facilityId)
  const before = await settingsOf(tx, facilityId)
  const changed = names.filter((name) => before[name] !== wanted[name])
  if (changed.length === 0) {
    noteChange(tx, "nothing")
    return before
  }
  await tx`
    insert into slotbase.reminder_settings as s (facility_id, remind_24h, remind_1h, custom_minutes, custom_since, updated_by)
    values (${facilityId}, ${remind24h}, ${remind1h}, ${customMinutes}::integer,
            case when ${customMinutes}::integer is not null then slotbase.now() end, ${caller.userId})
    on conflict (facility_id) do update
    set remind_24h = excluded.remind_24h, remind_1h = excluded.remind_1h, custom_minutes = excluded.custom_minutes,
        custom_since = case when s.custom_minutes = excluded.custom_minutes then s.custom_since else excluded.custom_since end,
        updated_by = excluded.updated_by, updated_at = slotbase.now()`
  record(tx, {
    type: "facility.settings_updated",
    facilityId,
    data: { facilityId, changedSettings: changed, changedBy: caller.userId },
  })
  noteChange(tx, { before: { ...before }, after: wanted })
  return wanted
}

const names = Object.keys(settings) as (keyof ReminderSettings)[]

async function settingsOf(db: Queryable, facilityId: string): Promise<ReminderSettings> {
  const [row] = await db<ReminderSettings[]>`
    select remind_24h as "remind24h", remind_1h as "remind1h", custom_minutes as "customMinutes"
    from slotbase.reminder_settings
    where facility_id = ${facilityId}`
  return row ?? { remind24h: true, remind1h: true, customMinutes: null }
}
