/**
 * What a facility lets its agents do: about whom words may leave the system, and how much services outside may use in
 * a month.
 * Writes: agent_settings.
 */
import * as Schema from "effect/Schema"
import { type Admin, type Caller, requireAdmin, requireStaff } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { maxMoney } from "#base/money.ts"
import { Text } from "#base/schema/fact-fields.ts"
import { requireFacility } from "#domain/club/facilities.ts"
import { noteChange } from "#events/audit.ts"
import { record } from "#events/outbox.ts"

export const AgentSettings = Schema.Struct({
  whoseWords: Schema.Literals(["nobody", "adults", "everybody"]).annotate({
    description: "about whom words and voice notes may go to the configured service; everybody: children too",
  }),
  monthlyBudget: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000_000 })).annotate({
    description: "tokens that the service may use in a calendar month (UTC); a second of speech counts as 10",
  }),
  monthlyAmount: Schema.optionalKey(
    Schema.NullOr(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: maxMoney }))).annotate({
      description:
        "what the service may cost in a calendar month (UTC), minor units of the facility's currency. Null: tokens alone count. Left out: as before",
    }),
  ),
}).annotate({ identifier: "AgentSettings" })
export type AgentSettings = typeof AgentSettings.Type

export const AgentStanding = Schema.Struct({
  ...AgentSettings.fields,
  monthlyAmount: Schema.NullOr(Schema.Int),
  currency: Text.annotate({ description: "of the amounts, in minor units" }),
  usedTokens: Schema.Int.annotate({ description: "of this month, with what is reserved for calls under way" }),
  usedAmount: Schema.Int.annotate({
    description: "what these tokens cost, rounded up; calls without a configured price are not in it",
  }),
}).annotate({ identifier: "AgentStanding" })
export type AgentStanding = typeof AgentStanding.Type

/** For staff. Throws NotFound, NotAllowed. */
export async function readAgentSettings(db: Queryable, caller: Caller, facilityId: string): Promise<AgentStanding> {
  requireStaff(caller, facilityId)
  await requireFacility(db, facilityId)
  return standingOf(db, facilityId)
}

async function standingOf(db: Queryable, facilityId: string): Promise<AgentStanding> {
  const settings = await agentSettingsOf(db, facilityId)
  const used = await usedInMonth(db, facilityId)
  return { ...settings, usedTokens: used.tokens, usedAmount: Math.ceil(used.amount) }
}

/** For administrators. Without a difference nothing is recorded. Throws NotFound, NotAllowed. */
export async function changeAgentSettings(
  tx: Tx,
  caller: Caller,
  facilityId: string,
  wanted: AgentSettings,
): Promise<AgentStanding> {
  const { caller: who }: Admin = requireAdmin(caller, facilityId)
  await requireFacility(tx, facilityId)
  await lockAgentSettings(tx, facilityId)
  const { currency: _, ...before } = await agentSettingsOf(tx, facilityId)
  const after = { ...before, ...wanted }
  const changed = (["whoseWords", "monthlyBudget", "monthlyAmount"] as const).filter(
    (name) => before[name] !== after[name],
  )
  if (changed.length === 0) noteChange(tx, "nothing")
  else {
    await tx`
      update slotbase.agent_settings
      set whose_words = ${after.whoseWords}, monthly_budget = ${after.monthlyBudget}, monthly_amount = ${after.monthlyAmount},
          updated_at = slotbase.now()
      where facility_id = ${facilityId}`
    record(tx, {
      type: "facility.settings_updated",
      facilityId,
      data: { facilityId, changedSettings: changed, changedBy: who.userId },
    })
    noteChange(tx, { before, after })
  }
  return standingOf(tx, facilityId)
}

/** The row is the lock of the month's budget. */
export async function lockAgentSettings(tx: Tx, facilityId: string): Promise<void> {
  await tx`insert into slotbase.agent_settings (facility_id) values (${facilityId}) on conflict do nothing`
  await tx`select 1 from slotbase.agent_settings where facility_id = ${facilityId} for update`
}

/** The settings that hold, and the facility's currency. */
export interface AgentLimits extends AgentSettings {
  readonly monthlyAmount: number | null
  readonly currency: string
}

export async function agentSettingsOf(db: Queryable, facilityId: string): Promise<AgentLimits> {
  const [row] = await db<AgentLimits[]>`
    select coalesce(s.whose_words, 'adults') as "whoseWords", coalesce(s.monthly_budget, 200000)::float8 as "monthlyBudget",
           s.monthly_amount::float8 as "monthlyAmount", f.currency
    from slotbase.facilities f
    left join slotbase.agent_settings s on s.facility_id = f.id
    where f.id = ${facilityId}`
  if (!row) throw new Error(`there is no facility ${facilityId}`)
  return { ...row }
}

/**
 * What this month (UTC) has used: tokens, and what they cost in minor units of the facility's currency, with decimals.
 * What is reserved for calls that have not ended is in it.
 */
export async function usedInMonth(db: Queryable, facilityId: string): Promise<{ tokens: number; amount: number }> {
  const [row] = await db<[{ tokens: number; amount: number }]>`
    select coalesce(sum(c.used + case when c.status = 'begun' then c.reserved else 0 end), 0)::float8 as tokens,
           coalesce(sum((c.used + case when c.status = 'begun' then c.reserved else 0 end) * c.price)
                      filter (where c.currency = f.currency) / 1000000, 0)::float8 as amount
    from slotbase.agent_calls c
    join slotbase.facilities f on f.id = c.facility_id
    where c.facility_id = ${facilityId} and c.month = date_trunc('month', (select slotbase.now()) at time zone 'UTC')::date`
  return { ...row }
}

/** Tokens of this month (UTC): those used, and those reserved for calls that have not ended. */
export const usedTokensOf = async (db: Queryable, facilityId: string): Promise<number> =>
  (await usedInMonth(db, facilityId)).tokens
