/**
 * The record of calls to services outside: what left, when, to which one, and what it used. A call is a row before its
 * request leaves, and its tokens are reserved then. A row counts once for the budget, however often it is begun.
 * Writes: agent_calls.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { newId } from "#base/ids.ts"
import type { TokenPrices } from "#base/token-prices.ts"
import { type AgentLimits, agentSettingsOf, lockAgentSettings, usedInMonth } from "#domain/agents/settings.ts"

export interface NewCall {
  readonly facilityId: string
  readonly eventId: string
  readonly agent: string
  readonly purpose: "text" | "transcription"
  readonly endpoint: string
  readonly model: string
  /** The feedback or the file. */
  readonly subjectId: string
  readonly aboutChild: boolean
  /** The fields that leave, with their sizes. */
  readonly sent: Readonly<Record<string, number>>
  readonly reserve: number
  /** Of the service, for what the call is about; left out: not known. */
  readonly prices?: TokenPrices
}

export interface BegunCall {
  readonly id: string
  readonly facilityId: string
  /** What an earlier run was answered; undefined: ask. */
  readonly answer?: unknown
}

/** Reserves the tokens of a call, and what they cost. Undefined: the month's budget has not that much left. */
export async function beginCall(tx: Tx, call: NewCall): Promise<BegunCall | undefined> {
  const { facilityId, eventId, agent, purpose } = call
  await lockAgentSettings(tx, facilityId)
  const [known] = await tx<{ id: string; status: string; answer: unknown }[]>`
    select id, status, answer from slotbase.agent_calls
    where event_id = ${eventId} and facility_id = ${facilityId} and agent = ${agent} and purpose = ${purpose}`
  if (known?.status === "done") return { id: known.id, facilityId, answer: known.answer }
  // A call that was begun has its reservation already: the process ended before the answer came.
  const limits = await agentSettingsOf(tx, facilityId)
  const price = call.prices?.[limits.currency] ?? null
  if (known?.status !== "begun" && !(await hasLeft(tx, facilityId, limits, { tokens: call.reserve, price })))
    return undefined
  const currency = price === null ? null : limits.currency
  if (known) {
    await tx`
      update slotbase.agent_calls
      set status = 'begun', requests = requests + 1, endpoint = ${call.endpoint}, model = ${call.model},
          sent = ${tx.json(call.sent)}, reserved = ${call.reserve}, currency = ${currency}, price = ${price},
          ended_at = null
      where id = ${known.id} and facility_id = ${facilityId}`
    return { id: known.id, facilityId }
  }
  const id = newId()
  await tx`
    insert into slotbase.agent_calls (id, facility_id, event_id, agent, purpose, endpoint, model, subject_id, about_child, sent,
                                      month, reserved, currency, price, status)
    values (${id}, ${facilityId}, ${eventId}, ${agent}, ${purpose}, ${call.endpoint}, ${call.model}, ${call.subjectId},
            ${call.aboutChild}, ${tx.json(call.sent)},
            date_trunc('month', slotbase.now() at time zone 'UTC')::date, ${call.reserve}, ${currency}, ${price}, 'begun')`
  return { id, facilityId }
}

/** @param used tokens; undefined: the service does not say, and the reservation is taken for it */
export const endCall = (db: Queryable, call: BegunCall, answer: unknown, used: number | undefined) => db`
  update slotbase.agent_calls
  set status = 'done', answer = ${db.json({ value: answer } as never)}, failure = null, ended_at = slotbase.now(),
      used = used + coalesce(${used ?? null}::integer, reserved)
  where id = ${call.id} and facility_id = ${call.facilityId} and status = 'begun'`

/** The call has failed for good, or nothing is known of it: then its reservation stays until it is tried again. */
export const failCall = (
  db: Queryable,
  call: BegunCall,
  { failure, used, isOver }: { readonly failure: string; readonly used: number; readonly isOver: boolean },
) => db`
  update slotbase.agent_calls
  set status = ${isOver ? "failed" : "begun"}, failure = ${failure.slice(0, 500)}, used = used + ${used},
      ended_at = ${isOver ? db`slotbase.now()` : db`null`}
  where id = ${call.id} and facility_id = ${call.facilityId} and status = 'begun'`

/** What was heard in the voice notes of feedback, the first one first; undefined: nothing yet. */
export async function transcriptOf(db: Queryable, facilityId: string, feedbackId: string): Promise<string | undefined> {
  const [row] = await db<[{ heard: string | null }]>`
    select string_agg(h.words, E'\\n\\n' order by m.id) as heard
    from slotbase.media m
    cross join lateral (
      select w.words from slotbase.voice_note_words w where w.media_id = m.id and w.facility_id = m.facility_id
      union all
      select c.answer ->> 'value' from slotbase.agent_calls c
      where c.subject_id = m.id and c.facility_id = m.facility_id and c.purpose = 'transcription' and c.status = 'done'
    ) h (words)
    where m.feedback_id = ${feedbackId} and m.facility_id = ${facilityId} and h.words <> ''`
  return row.heard ?? undefined
}

/** Where the budget is in money too, a call without a price cannot be counted, and there is nothing left for it. */
async function hasLeft(
  tx: Tx,
  facilityId: string,
  { monthlyBudget, monthlyAmount }: AgentLimits,
  { tokens, price }: { readonly tokens: number; readonly price: number | null },
): Promise<boolean> {
  const used = await usedInMonth(tx, facilityId)
  if (used.tokens + tokens > monthlyBudget) return false
  return monthlyAmount === null || (price !== null && used.amount + (tokens * price) / 1_000_000 <= monthlyAmount)
}
