/**
 * Whether the mail server takes mail at all. After an answer about the sender or the service all mail is held. When the
 * hold ends, one run asks again and the others wait. A send that is taken ends the hold. A hold grows from seconds to a
 * quarter of an hour, so that mail goes on soon after the server does.
 * Writes: mail_service.
 */
import { createHash } from "node:crypto"
import type { Db } from "#base/database/db.ts"
import { log } from "#base/log.ts"
import type { MailFailed } from "./channels/email/smtp-failure.ts"

/** The state as a run finds it. */
export interface MailService {
  /** Milliseconds for which mail is held; undefined: this run may send. */
  readonly heldMs: number | undefined
  /** This run asks whether mail is taken again: it sends one message at a time. */
  readonly probes: boolean
  /** Something was said against the service before: a success takes it back. */
  readonly doubted: boolean
  readonly answer: string
}

/** Reads the state, and makes this run the one that asks when a hold has ended. */
export async function mailServiceNow(db: Db): Promise<MailService> {
  const [row] = await db<[{ held_ms: number | null; probes: boolean; doubted: boolean; last_answer: string | null }]>`
    with t as materialized (select slotbase.now() as now), probe as (
      update slotbase.mail_service s set probing_until = t.now + interval '2 minutes'
      from t
      where s.held_until <= t.now and (s.probing_until is null or s.probing_until <= t.now)
      returning s.only_row
    )
    select case when s.held_until is null or exists (select from probe) then null
                else 1000 * extract(epoch from greatest(s.held_until, s.probing_until) - t.now)::float8 end as held_ms,
           exists (select from probe) as probes, s.failures > 0 or s.suspect is not null as doubted, s.last_answer
    from slotbase.mail_service s cross join t`
  const { held_ms, probes, doubted, last_answer } = row
  return { heldMs: held_ms === null ? undefined : Math.max(1_000, held_ms), probes, doubted, answer: last_answer ?? "" }
}

/**
 * Notes an answer about the sender or the service. A suspicion counts when a second recipient confirms it: one odd
 * mailbox must not hold everybody's mail. Failures at once count as one.
 * @param random between 0 and 1
 */
export async function mailServiceFailed(
  db: Db,
  { message, concern, outcome }: MailFailed,
  recipient: string,
  random = Math.random(),
): Promise<void> {
  const digest = createHash("sha256").update(recipient.toLowerCase()).digest("base64url")
  const suspected = concern === "suspected"
  const firstSeconds = suspected || outcome === "unknown" || /^\d{3}/.test(message) ? 60 : 5
  const held = await db<{ failures: number; failing_since: Date }[]>`
    update slotbase.mail_service s
    set failures = s.failures + 1, failing_since = coalesce(s.failing_since, t.now), last_answer = ${message.slice(0, 500)},
        held_until = t.now + (0.8 + 0.4 * ${random}::float8)
          * least(interval '15 minutes', ${firstSeconds}::integer * interval '1 second' * power(2, least(s.failures, 10))),
        probing_until = null, suspect = null
    from (select slotbase.now() as now) t
    where (not ${suspected}::boolean or s.failures > 0 or s.suspect <> ${digest})
      and (s.held_until is null or s.held_until <= t.now)
    returning s.failures, s.failing_since`
  for (const { failures, failing_since } of held)
    log.warn("mail is held", { failures, since: failing_since.toISOString(), answer: message })
  if (suspected && held.length === 0)
    await db`update slotbase.mail_service set suspect = ${digest}, last_answer = ${message.slice(0, 500)} where held_until is null`
}

/** A server that has taken a message, or has spoken about a recipient, works. */
export async function mailServiceWorks(db: Db): Promise<void> {
  const ended = await db<{ failing_since: Date | null }[]>`
    with old as materialized (select failing_since from slotbase.mail_service where failures > 0 or suspect is not null for update)
    update slotbase.mail_service
    set failures = 0, failing_since = null, held_until = null, probing_until = null, suspect = null
    from old
    returning old.failing_since`
  for (const { failing_since } of ended)
    if (failing_since) log.info("mail is taken again", { failedSince: failing_since.toISOString() })
}
