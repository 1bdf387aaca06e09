/**
 * The messages of events, recorded before they are sent. Each has a unique intent: event, person, channel and template.
 * A repeated run finds them, and adds none. Who is to be told, and in which words, is decided here. The actor
 * send-messages sends what is recorded.
 * Writes: notifications, message_queue (a row for each message that is to be sent).
 */
import type { Caller } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import type { Language } from "#base/languages.ts"
import type { Channel, MessagePriority } from "./channels/channel.ts"
import { NOTIFICATION_CONFIGS } from "./configs.ts"
import { invitationOf } from "./invitation.ts"
import type { MessageChannel, NotificationConfig } from "./notification-config.ts"
import { ownWordsFor, type Worded, type Writing } from "./own-words/apply.ts"
import { type MessagePlace, placesOf } from "./places.ts"
import { messageDataOf } from "./preferences/about.ts"
import { type Reached, reach } from "./preferences/reach.ts"
import { type Concerned, type Recipient, resolveRecipients } from "./recipients.ts"
import { type Message, render, type SharedFields } from "./render.ts"
import { type MadeBefore, madeBefore } from "./together/made-before.ts"
import { receiptsOf } from "./together/receipt.ts"
import { seriesOf } from "./together/series.ts"
import type { Receipt, Series } from "./together/told.ts"

/** An event with a notification. */
export interface Notified extends Concerned {
  readonly id: string
  readonly type: string
  readonly occurred_at: Date
  readonly resource_id: string | null
  readonly correlation_id: string
  readonly causation_id: string | null
  readonly user_id: string | null
}

/** What became of a message when it was recorded. */
export interface Intent {
  readonly status: "pending" | "sending" | "deferred" | "sent" | "bounced" | "refused" | "failed" | "skipped"
  /** Why it was skipped. */
  readonly reason: string | null
  /** Of a message inside the program that this call has made: it is announced by an event. */
  readonly notice?: { readonly notificationId: string; readonly userId: string }
}

/** The template cannot make a message of this event. Another attempt would not help. */
export class NotRendered extends Error {
  readonly _tag = "NotRendered"
}

/** The channels of this program. A message for another one is skipped. */
export type Channels = readonly Pick<Channel, "name" | "unavailable">[]

/** The limit for one event. More recipients are a mistake, and a mistake must not send ten thousand mails. */
const maxRecipients = 500
/**
 * How long texts are made before other work of the process has its turn, milliseconds. Each answer of PostgreSQL to the
 * recording of another club's event waits so long.
 */
const renderingMs = 2

/**
 * Records the messages of events, unless they are already recorded, and answers those of each event. Failed messages of
 * an event whose run is repeated begin anew: somebody has reprocessed its dead letter. Throws `NotRendered`.
 */
export async function recordMessages(
  tx: Tx,
  events: readonly Notified[],
  channels: Channels,
): Promise<readonly (readonly Intent[])[]> {
  const before = await recordedOf(tx, events)
  const known = events.filter(({ id }) => before.has(id))
  if (known.length > 0) await beginAnew(tx, known)
  const made = await intend(
    tx,
    events.filter(({ id }) => !before.has(id)),
    channels,
  )
  return events.map(({ id }) => before.get(id) ?? made.get(id) ?? [])
}

/** Records the messages of events that have none yet. */
export async function intend(
  db: Queryable,
  events: readonly Notified[],
  channels: Channels,
): Promise<ReadonlyMap<string, readonly Intent[]>> {
  const wanted = events.flatMap((event) => {
    const config = NOTIFICATION_CONFIGS[event.type]
    return config === undefined ? [] : [{ event, config }]
  })
  const [recipients, receipts, made, places] = await Promise.all([
    resolveRecipients(db, wanted),
    receiptsOf(
      db,
      wanted.map(({ event }) => event),
    ),
    madeBefore(
      db,
      wanted.map(({ event }) => event),
    ),
    placesOf(
      db,
      wanted.map(({ event }) => event),
    ),
  ])
  const reached = await reach(
    db,
    wanted.map(({ event, config }, nth) => ({
      type: event.type,
      priority: config.priority,
      timezone: places[nth]?.facility.timezone ?? "UTC",
      listed: recipients[nth] ?? [],
    })),
  )
  const drafts: Draft[] = []
  for (const [nth, { event, config }] of wanted.entries()) {
    const told = reached[nth] ?? []
    const people = new Set(told.map(({ userId }) => userId)).size
    if (people > maxRecipients) throw new NotRendered(`${people} recipients of one event, more than ${maxRecipients}`)
    const place = places[nth]
    if (place === undefined) throw new NotRendered(`there is no facility ${event.facility_id}`)
    const together = {
      receipt: receipts.get(event.id) ?? null,
      series: await seriesOf(db, event),
      report: made.get(event.id)?.report ?? null,
      summary: made.get(event.id)?.summary ?? null,
    }
    const writingOf = writingsOf(event, place, together)
    for (const recipient of told) drafts.push({ event, config, place, recipient, writing: writingOf(recipient) })
  }
  const rows = await rowsOf(drafts, await ownWordsFor(db, ofFacilities(drafts)), channels)
  const notices = rows.length > 0 ? await insert(db, rows) : []
  return Map.groupBy(
    [
      ...rows
        .filter((row) => !isNotice(row))
        .map(
          ({ event_id, reason }) => ({ event_id, reason, status: reason === null ? "pending" : "skipped" }) as const,
        ),
      ...notices.map(({ event_id, ...notice }) => ({ event_id, reason: null, status: "sent", notice }) as const),
    ],
    ({ event_id }) => event_id,
  )
}

/** A message before its texts are made. */
interface Draft {
  readonly event: Notified
  readonly config: NotificationConfig
  readonly place: MessagePlace
  readonly recipient: Reached<Recipient>
  readonly writing: Writing
}

/** Each text once. The platform has no words of its own. */
const ofFacilities = (drafts: readonly Draft[]) => [
  ...new Set(drafts.filter(({ place }) => !place.isPlatform).map(({ writing }) => writing)),
]

/** The texts of one person are the same on each channel, and are made once. */
async function rowsOf(
  drafts: readonly Draft[],
  worded: ReadonlyMap<Writing, Worded>,
  channels: Channels,
): Promise<readonly Row[]> {
  const made = new Map<Writing, Message>()
  const shared = new Map<string, SharedFields>()
  const rows: Row[] = []
  let turn = performance.now()
  for (const { event, config, place, recipient, writing } of drafts) {
    const { templateId, view, language } = writing
    const { texts, fault = null } = worded.get(writing) ?? {}
    const alike = `${event.id} ${templateId} ${language} ${view.recipient.timezone}`
    const fields = shared.get(alike) ?? new Map()
    shared.set(alike, fields)
    const message = made.get(writing) ?? attempt(() => render(templateId, view, language, texts, fields))
    made.set(writing, message)
    const ics = recipient.channel === "email" ? invitationOf(event, place, message.short) : null
    rows.push({ ...rowOf(event, config, recipient, message, channels), language, ics, words_fault: fault })
    if (performance.now() - turn < renderingMs) continue
    await new Promise<void>((go) => setImmediate(go))
    turn = performance.now()
  }
  return rows
}

/** Inside the program a message is sent when it is recorded. */
const isNotice = ({ channel, reason }: Row) => channel === "in_app" && reason === null

async function recordedOf(tx: Tx, events: readonly Notified[]): Promise<ReadonlyMap<string, readonly Intent[]>> {
  const rows = await tx<(Intent & { event_id: string })[]>`
    select n.event_id, n.status, n.reason
    from unnest(${events.map(({ id }) => id)}::uuid[], ${events.map((each) => each.facility_id)}::uuid[]) as e (id, facility_id)
    join slotbase.notifications n on n.event_id = e.id and n.facility_id = e.facility_id`
  return Map.groupBy(rows, (row) => row.event_id)
}

/** What is not sent goes into the queue, where a program from before the queue left it too. */
async function beginAnew(tx: Tx, events: readonly Notified[]): Promise<void> {
  await tx`
    with e as materialized (
      select * from unnest(${events.map(({ id }) => id)}::uuid[], ${events.map((each) => each.facility_id)}::uuid[]) as e (id, facility_id)
    ), reopened as (
      update slotbase.notifications n
      set status = 'pending', deferred_since = null, next_try_at = null, unknown_before = n.unknown_outcomes
      from e where n.event_id = e.id and n.facility_id = e.facility_id and n.status = 'failed'
    )
    insert into slotbase.message_queue (id, facility_id, event_id, channel, urgency, due_at)
    select n.id, n.facility_id, n.event_id, n.channel, ${urgencyIn(tx, tx`n.priority`)}, coalesce(n.next_try_at, n.not_before)
    from slotbase.notifications n
    join e on n.event_id = e.id and n.facility_id = e.facility_id
    where n.status in ('pending', 'sending', 'deferred', 'failed')
    on conflict do nothing`
}

interface Row {
  readonly facility_id: string
  readonly event_id: string
  readonly user_id: string
  readonly about_user_id: string | null
  readonly channel: MessageChannel
  readonly type: string
  readonly template_id: string
  readonly language: Language
  readonly priority: MessagePriority
  readonly title: string
  readonly body: string
  readonly html: string | null
  readonly address: string | null
  readonly link_id: string | null
  readonly not_before: string | null
  readonly data: object | null
  readonly ics: string | null
  readonly reason: string | null
  readonly words_fault: string | null
}

interface MadeNotice {
  readonly event_id: string
  readonly notificationId: string
  readonly userId: string
}

// As text that PostgreSQL reads once: making jsonb of a megabyte of mails first took longer than the insert.
async function insert(db: Queryable, rows: readonly Row[]): Promise<readonly MadeNotice[]> {
  return db<MadeNotice[]>`
    with made as (
      insert into slotbase.notifications
        (id, facility_id, event_id, user_id, about_user_id, channel, type, template_id, language, priority, title, body, html, address,
         link_id, not_before, data, ics, status, sent_at, reason, words_fault)
      select slotbase.derived_id(e.event_id, e.user_id || e.channel || e.template_id || case when e.channel = 'push' then coalesce(e.address, '') else '' end || coalesce(e.about_user_id::text, '')),
             e.facility_id, e.event_id, e.user_id, e.about_user_id, e.channel, e.type, e.template_id, e.language, e.priority, e.title, e.body, e.html,
             e.address, e.link_id, e.not_before, e.data, e.ics,
             case when e.reason is not null then 'skipped' when e.channel = 'in_app' then 'sent' else 'pending' end,
             case when e.reason is null and e.channel = 'in_app' then slotbase.now() end, e.reason, e.words_fault
      from json_to_recordset(${JSON.stringify(rows)}::text::json) as e (
        facility_id uuid, event_id uuid, user_id uuid, about_user_id uuid, channel text, type text, template_id text, language text, priority text,
        title text, body text, html text, address text, link_id uuid, not_before timestamptz, data jsonb, ics text, reason text,
        words_fault text)
      on conflict do nothing
      returning id, facility_id, event_id, user_id, channel, priority, not_before, status
    ), queued as (
      insert into slotbase.message_queue (id, facility_id, event_id, channel, urgency, due_at)
      select id, facility_id, event_id, channel, ${urgencyIn(db, db`priority`)}, case when not_before > slotbase.now() then not_before end
      from made where status = 'pending'
      on conflict do nothing
    )
    select event_id, id as "notificationId", user_id as "userId" from made where status = 'sent' order by event_id, id`
}

const urgencyIn = (sql: Queryable, priority: ReturnType<Queryable>) =>
  sql`case ${priority} when 'critical' then 0 when 'high' then 1 else 2 end`

function rowOf(
  event: Notified,
  config: NotificationConfig,
  recipient: Reached<Recipient>,
  message: Message,
  channels: Channels,
): Omit<Row, "language" | "ics" | "words_fault"> {
  const mail = recipient.channel === "email"
  const about = recipient.readerId === recipient.userId ? null : recipient.userId
  return {
    facility_id: event.facility_id,
    event_id: event.id,
    user_id: recipient.readerId,
    about_user_id: about,
    channel: recipient.channel,
    type: event.type,
    template_id: recipient.templateId,
    priority: config.priority,
    title: message.subject,
    body: mail ? message.text : recipient.channel === "sms" ? withLinkPlace(message) : message.short,
    html: mail ? message.html : null,
    address: recipient.address ?? null,
    link_id: recipient.linkId ?? null,
    not_before: recipient.notBefore?.toISOString() ?? null,
    data: mail ? null : messageDataOf(event, about),
    reason: cannotReach(recipient, channels) ?? null,
  }
}

/** A text has the link of the mail behind its words. */
const withLinkPlace = ({ short, link }: Message) => (link === "" ? short : `${short} ${link}`)

/** What the texts of an event are made of: one for each person and template. */
function writingsOf(
  event: Notified,
  { facility, resource, booking, isPlatform, language }: MessagePlace,
  { receipt, ...together }: { readonly receipt: Receipt | null; readonly series: Series | null } & MadeBefore,
): (recipient: Recipient) => Writing {
  const known = new Map<string, Writing>()
  return ({ userId, firstName = "", lastName = "", parentId, parentName, as, templateId, ...chosen }) => {
    const key = `${userId} ${as} ${templateId}`
    // A person who has chosen no zone is taken to be where the facility is. The platform is nowhere.
    const timezone = chosen.timezone ?? (isPlatform ? null : facility.timezone)
    const view = {
      facility: isPlatform ? { ...facility, timezone: timezone ?? facility.timezone } : facility,
      resource,
      booking,
      receipt: as === "booker" ? receipt : null,
      ...together,
      data: event.data,
      occurredAt: event.occurred_at.toISOString(),
      recipient: {
        userId,
        readerId: parentId ?? userId,
        firstName,
        name: `${firstName} ${lastName}`.trim(),
        as,
        timezone,
        ...(parentName !== undefined && { parentName }),
      },
    }
    const writing = known.get(key) ?? {
      facilityId: event.facility_id,
      templateId,
      language: chosen.language ?? language,
      view,
    }
    known.set(key, writing)
    return writing
  }
}

function cannotReach({ channel: name, reason }: Reached<Recipient>, channels: Channels): string | undefined {
  if (reason !== undefined || name === "in_app") return reason
  const channel = channels.find((each) => each.name === name)
  return channel === undefined ? `no ${name} channel registered` : channel.unavailable
}

function attempt<T>(rendering: () => T): T {
  try {
    return rendering()
  } catch (error) {
    throw new NotRendered(error instanceof Error ? error.message : String(error), { cause: error })
  }
}

/** Messages that one statement marks; the next request goes on. */
const readAtOnce = 5_000

/** Marks messages inside the program as read: one, one with all before it, or all. Answers how many were unread. */
export async function markNoticesRead(
  tx: Tx,
  caller: Caller,
  { only, upTo }: { readonly only?: string; readonly upTo?: string },
): Promise<number> {
  const { count } = await tx`
    update slotbase.notifications n set read_at = slotbase.now()
    from (
      select k.id, k.facility_id from slotbase.notifications k
      where k.user_id = ${caller.userId} and k.channel = 'in_app' and k.read_at is null
        ${only === undefined ? tx`` : tx`and k.id = ${only} and k.user_id = ${caller.userId}`}
        ${
          upTo === undefined
            ? tx``
            : tx`and (k.created_at, k.id) <= (select l.created_at, l.id from slotbase.notifications l
                                              where l.id = ${upTo} and l.user_id = ${caller.userId} limit 1)`
        }
      limit ${readAtOnce}
    ) k
    where n.id = k.id and n.facility_id = k.facility_id`
  return count
}
