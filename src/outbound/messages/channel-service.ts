/**
 * Whether the service of a channel takes messages at all. After an answer about the sender or the service, all messages
 * of the channel are held. When the hold ends, one message asks again and the others wait. A send that is taken ends
 * the hold. A hold grows from seconds to a quarter of an hour, so that messages go on soon after the service does.
 * Writes: mail_service.
 */
import { createHash } from "node:crypto"
import type { Db } from "#base/database/db.ts"
import { log } from "#base/log.ts"
import type { ChannelName, SendFailed } from "./channels/channel.ts"

/** The state as a sender finds it. */
export interface ChannelService {
  /** Milliseconds for which messages are held; undefined: this sender may send. */
  readonly heldMs: number | undefined
  /** This sender asks whether messages are taken again: it sends one at a time. */
  readonly probes: boolean
  /** Something was said against the service before: a success takes it back. */
  readonly doubted: boolean
  readonly answer: string
}

/**
 * Reads the state, and makes this sender the one that asks when a hold has ended. Without a message that is ready
 * nobody asks: a sender with nothing to ask by would keep the others from asking for two minutes.
 */
export async function serviceNow(db: Db, channel: ChannelName): Promise<ChannelService> {
  const [row] = await db<[{ held_ms: number | null; probes: boolean; doubted: boolean; last_answer: string | null }]>`
    with t as materialized (select slotbase.now() as now), probe as (
      update slotbase.mail_service s set probing_until = t.now + interval '2 minutes'
      from t
      where s.channel = ${channel} and s.held_until <= t.now and (s.probing_until is null or s.probing_until <= t.now)
        and exists (select from slotbase.message_queue q where q.channel = ${channel} and q.due_at is null and q.lease is null)
      returning s.channel
    )
    select case when s.held_until is null or exists (select from probe) then null
                else 1000 * extract(epoch from greatest(s.held_until, s.probing_until) - t.now)::float8 end as held_ms,
           exists (select from probe) as probes, s.failures > 0 or s.suspect is not null as doubted, s.last_answer
    from slotbase.mail_service s cross join t where s.channel = ${channel}`
  const { held_ms, probes, doubted, last_answer } = row
  return { heldMs: held_ms === null ? undefined : Math.max(1_000, held_ms), probes, doubted, answer: last_answer ?? "" }
}

/**
 * Notes an answer about the sender or the service. A suspicion counts when a second recipient confirms it: one odd
 * mailbox must not hold everybody's mail. Failures at once count as one. A hold lasts at least as the service asks.
 * @param random between 0 and 1
 */
export async function serviceFailed(
  db: Db,
  channel: ChannelName,
  { message, concern, outcome, retryAfterMs = 0 }: SendFailed,
  recipient: string,
  random = Math.random(),
): Promise<void> {
  const digest = createHash("sha256").update(recipient.toLowerCase()).digest("base64url")
  const suspected = concern === "suspected"
  const firstSeconds = suspected || outcome === "unknown" || /^\d{3}/.test(message) ? 60 : 5
  const held = await db<{ failures: number; failing_since: Date }[]>`
    update slotbase.mail_service s
    set failures = s.failures + 1, failing_since = coalesce(s.failing_since, t.now), last_answer = ${message.slice(0, 500)},
        held_until = t.now + greatest(least(${retryAfterMs}::float8 * interval '1 ms', interval '1 hour'),
          (0.8 + 0.4 * ${random}::float8)
            * least(interval '15 minutes', ${firstSeconds}::integer * interval '1 second' * power(2, least(s.failures, 10)))),
        probing_until = null, suspect = null
    from (select slotbase.now() as now) t
    where s.channel = ${channel} and (not ${suspected}::boolean or s.failures > 0 or s.suspect <> ${digest})
      and (s.held_until is null or s.held_until <= t.now)
    returning s.failures, s.failing_since`
  for (const { failures, failing_since } of held)
    log.warn("messages are held", { channel, failures, since: failing_since.toISOString(), answer: message })
  if (suspected && held.length === 0)
    await db`
      update slotbase.mail_service set suspect = ${digest}, last_answer = ${message.slice(0, 500)}
      where channel = ${channel} and held_until is null`
}

/** The message that should ask again was not sent after all. Another one may ask at once. */
export async function serviceNotAsked(db: Db, channel: ChannelName): Promise<void> {
  await db`update slotbase.mail_service set probing_until = null where channel = ${channel} and held_until is not null`
}

/** A service that has taken a message, or has spoken about a recipient, works. */
export async function serviceWorks(db: Db, channel: ChannelName): Promise<void> {
  const ended = await db<{ failing_since: Date | null }[]>`
    with old as materialized (
      select failing_since from slotbase.mail_service
      where channel = ${channel} and (failures > 0 or suspect is not null) for update
    )
    update slotbase.mail_service
    set failures = 0, failing_since = null, held_until = null, probing_until = null, suspect = null
    from old where channel = ${channel}
    returning old.failing_since`
  for (const { failing_since } of ended)
    if (failing_since) log.info("messages are taken again", { channel, failedSince: failing_since.toISOString() })
}
