/**
 * The messages of an event, each recorded before it is sent.
 * `intend` writes them once per event, `begin` commits that a send starts, and the outcome follows.
 * A crash between the two leaves "sending", an unknown outcome. The message is sent again, under the same id.
 * What could not be sent for now is tried again for five days, as RFC 5321 (4.5.4.1) asks. The first gap is a second,
 * each further one is as long as the message has waited, and at most four hours. Then the message is "failed" and its
 * run a dead letter.
 * Writes: notifications.
 */
import type { Db, Queryable } from "#base/database/db.ts"
import { platformFacilityId } from "#base/ids.ts"
import { addressIn } from "#domain/people/address.ts"
import type { SendFailed } from "./channels/channel.ts"
import type { MessageChannel, NotificationConfig } from "./configs.ts"
import { type Concerned, type Recipient, resolveRecipients } from "./recipients.ts"
import { oneLine, render } from "./render.ts"

/** An event with a notification. */
export interface Notified extends Concerned {
  readonly id: string
  readonly type: string
  readonly occurred_at: Date
  readonly resource_id: string | null
}

/** A message with its state. */
export interface Intent {
  readonly id: string
  readonly facility_id: string
  readonly user_id: string
  readonly channel: MessageChannel
  readonly title: string
  readonly body: string
  readonly html: string | null
  readonly status: "pending" | "sending" | "deferred" | "sent" | "refused" | "failed" | "skipped"
  /** The last answer, or why it was skipped. */
  readonly reason: string | null
  /** Milliseconds until it is tried again; null: at once, or never. */
  readonly wait_ms: number | null
  /** Null: the recipient has no address now. */
  readonly email: string | null
  /** The link whose place is in the texts. */
  readonly link_id: string | null
  readonly name: string
}

/** The template cannot make a message of this event. Another attempt would not help. */
export class NotRendered extends Error {
  readonly _tag = "NotRendered"
}

/** The limit for one event. More recipients are a mistake, and a mistake must not send ten thousand mails. */
const maxRecipients = 500

/**
 * Records the event's messages, unless they are already recorded. Throws `NotRendered`.
 * When two runs do this at once, the first decides, message by message.
 */
export async function intend(db: Db, event: Notified, config: NotificationConfig): Promise<void> {
  const recipients = await resolveRecipients(db, event, config)
  if (recipients.length === 0) return
  if (recipients.length > maxRecipients)
    throw new NotRendered(`${recipients.length} recipients of one event, more than ${maxRecipients}`)
  const place = await placeOf(db, event)
  const rows = recipients.map((recipient) => rowOf(event, config, recipient, place))
  await db`
    insert into slotbase.notifications
      (id, facility_id, event_id, user_id, channel, type, template_id, priority, title, body, html, address, link_id, status, reason)
    select slotbase.derived_id(e.event_id, e.user_id || e.channel || e.template_id),
           e.facility_id, e.event_id, e.user_id, e.channel, e.type, e.template_id, e.priority, e.title, e.body, e.html,
           e.address, e.link_id, case when e.reason is null then 'pending' else 'skipped' end, e.reason
    from jsonb_to_recordset(${db.json(rows)}) as e (
      facility_id uuid, event_id uuid, user_id uuid, channel text, type text, template_id text, priority text,
      title text, body text, html text, address text, link_id uuid, reason text)
    on conflict do nothing`
}

/** The event's messages, in a stable order. */
export async function intentsOf(db: Queryable, event: Pick<Notified, "id" | "facility_id">): Promise<Intent[]> {
  const rows = await db<(Omit<Intent, "name"> & { first_name: string; last_name: string })[]>`
    select n.id, n.facility_id, n.user_id, n.channel, n.title, n.body, n.html, n.status, n.reason, n.link_id,
           1000 * extract(epoch from n.next_try_at - slotbase.now())::float8 as wait_ms,
           coalesce(n.address, ${addressIn(db, db`n.facility_id`)}) as email,
           coalesce(u.first_name, '') as first_name, coalesce(u.last_name, '') as last_name
    from slotbase.notifications n
    left join slotbase.users u on u.id = n.user_id
    where n.event_id = ${event.id} and n.facility_id = ${event.facility_id}
    order by n.channel, n.id`
  return rows.map(({ first_name, last_name, ...row }) => ({ ...row, name: oneLine(`${first_name} ${last_name}`) }))
}

/**
 * Commits that a send begins, and that the send before it has an unknown outcome.
 * Returns false when another run has finished the message meanwhile.
 */
export async function beginSending(db: Queryable, intent: Intent): Promise<boolean> {
  const begun = await db`
    update slotbase.notifications
    set status = 'sending', attempts = attempts + 1, unknown_outcomes = unknown_outcomes + (status = 'sending')::integer,
        reason = null
    where id = ${intent.id} and facility_id = ${intent.facility_id} and status in ('pending', 'sending', 'deferred')`
  return begun.count === 1
}

/** Returns the time of the mark; undefined when another run of the same event was first. */
export async function markIntentSent(db: Queryable, intent: Intent): Promise<Date | undefined> {
  const [row] = await db<{ sent_at: Date }[]>`
    update slotbase.notifications
    set status = 'sent', sent_at = slotbase.now(), reason = null, deferred_since = null, next_try_at = null
    where id = ${intent.id} and facility_id = ${intent.facility_id} and status <> 'sent'
    returning sent_at`
  return row?.sent_at
}

/** The message will never be sent. `refused`: its recipient's server will not take it. */
export async function markEnded(
  db: Queryable,
  intent: Intent,
  as: "skipped" | "refused",
  reason: string,
): Promise<void> {
  await db`
    update slotbase.notifications
    set status = ${as}, reason = ${oneLine(reason)}, deferred_since = null, next_try_at = null
    where id = ${intent.id} and facility_id = ${intent.facility_id} and status <> 'sent'`
}

/** Each repetition of a send with an unknown outcome may make a mail arrive once more. */
const unknownAtMost = 5

/**
 * Records a failed send. One with an unknown outcome stays "sending".
 * @param random between 0 and 1
 */
export async function defer(db: Queryable, intent: Intent, failure: SendFailed, random = Math.random()): Promise<void> {
  const known = failure.outcome === "not_sent"
  await db`
    update slotbase.notifications n
    set status = case when d.over then 'failed' when ${known}::boolean then 'deferred' else 'sending' end,
        reason = ${oneLine(failure.message)}, deferred_since = d.since,
        next_try_at = case when not d.over then d.now + greatest(d.least_wait, least(interval '4 hours', d.now - d.since))
                                                       * (0.8 + 0.4 * ${random}::float8) end
    from (
      select t.now, coalesce(k.deferred_since, t.now) as since, k.id, k.facility_id,
             case when ${known}::boolean then interval '1 second' else interval '1 minute' end as least_wait,
             t.now - coalesce(k.deferred_since, t.now) >= case when ${failure.permanent}::boolean then interval '1 minute' else interval '5 days' end
               or (not ${known}::boolean and k.unknown_outcomes >= ${unknownAtMost}) as over
      from (select slotbase.now() as now) t cross join slotbase.notifications k
      where k.id = ${intent.id} and k.facility_id = ${intent.facility_id}
    ) d
    where n.id = d.id and n.facility_id = d.facility_id and n.status = 'sending'`
}

/** Mail is held: these messages wait for the end of the hold, spread over some seconds. No send was begun. */
export async function deferHeld(
  db: Queryable,
  intents: readonly Intent[],
  { heldMs, answer }: { readonly heldMs: number; readonly answer: string },
): Promise<void> {
  if (intents.length === 0) return
  await db`
    update slotbase.notifications n
    set status = case when d.over then 'failed' when n.status = 'sending' then 'sending' else 'deferred' end,
        reason = ${oneLine(`mail is held: ${answer}`)}, deferred_since = d.since,
        next_try_at = case when not d.over then d.now + ${heldMs}::float8 * interval '1 ms' + random() * interval '10 seconds' end
    from (
      select k.id, k.facility_id, t.now, coalesce(k.deferred_since, t.now) as since,
             t.now - coalesce(k.deferred_since, t.now) >= interval '5 days' as over
      from (select slotbase.now() as now) t cross join slotbase.notifications k
      where k.id = any (${intents.map(({ id }) => id)}::uuid[]) and k.facility_id = ${intents[0]?.facility_id ?? ""}
    ) d
    where n.id = d.id and n.facility_id = d.facility_id and n.status in ('pending', 'sending', 'deferred')`
}

/** Begins the failed messages of an event anew, when somebody has reprocessed its dead letter. Answers how many. */
export async function reopenFailed(
  db: Queryable,
  event: { readonly id: string; readonly facility_id: string },
  handler: string,
): Promise<number> {
  const { count } = await db`
    update slotbase.notifications n
    set status = 'pending', deferred_since = null, next_try_at = null, unknown_outcomes = 0
    where n.event_id = ${event.id} and n.facility_id = ${event.facility_id} and n.status = 'failed'
      and exists (select from slotbase.dead_letters d
                  where d.event_id = n.event_id and d.facility_id = n.facility_id and d.handler = ${handler}
                    and d.resolution = 'reprocessed')`
  return count
}

interface Place {
  readonly facility: { readonly name: string; readonly timezone: string; readonly currency: string }
  readonly resource: string
}

async function placeOf(db: Queryable, event: Notified): Promise<Place> {
  const { resourceId = event.resource_id, bookingId = null } = event.data as { resourceId?: string; bookingId?: string }
  const [row] = await db<{ name: string; timezone: string; currency: string; resource: string | null }[]>`
    select f.name, f.timezone, f.currency, r.name as resource
    from slotbase.facilities f
    left join slotbase.bookings b on b.id = ${bookingId} and b.facility_id = f.id
    left join slotbase.resources r on r.id = coalesce(${resourceId}::uuid, b.resource_id) and r.facility_id = f.id
    where f.id = ${event.facility_id}`
  if (!row) throw new NotRendered(`there is no facility ${event.facility_id}`)
  const name = event.facility_id === platformFacilityId ? "SlotBase" : row.name
  return { facility: { ...row, name }, resource: row.resource ?? "" }
}

function rowOf(event: Notified, config: NotificationConfig, recipient: Recipient, place: Place) {
  const { userId, firstName = "", lastName = "", as } = recipient
  const view = {
    ...place,
    data: event.data,
    occurredAt: event.occurred_at.toISOString(),
    recipient: { userId, firstName, name: `${firstName} ${lastName}`.trim(), as },
  }
  const message = attempt(() => render(recipient.templateId, view))
  const mail = recipient.channel === "email"
  return {
    facility_id: event.facility_id,
    event_id: event.id,
    user_id: userId,
    channel: recipient.channel,
    type: event.type,
    template_id: recipient.templateId,
    priority: config.priority,
    title: message.subject,
    body: mail ? message.text : message.short,
    html: mail ? message.html : null,
    address: recipient.address ?? null,
    link_id: recipient.linkId ?? null,
    reason: cannotReach(recipient) ?? null,
  }
}

function cannotReach(recipient: Recipient): string | undefined {
  if (recipient.channel === "push") return "no push channel registered"
  if (recipient.firstName === undefined) return "no such user"
  return recipient.email === undefined ? "no email address" : undefined
}

function attempt<T>(rendering: () => T): T {
  try {
    return rendering()
  } catch (error) {
    throw new NotRendered(error instanceof Error ? error.message : String(error), { cause: error })
  }
}
