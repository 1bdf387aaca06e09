/**
 * The kept bodies: what a delivery in a format other than the default sends, on every attempt. A body is kept before
 * its first request leaves. A later change of the template, the format or the facility's name changes no kept body.
 * Writes: delivery_bodies.
 */
import type { Queryable } from "#base/database/db.ts"
import { bodyNotMade, type MadeBody } from "./format.ts"

export interface BodyKey {
  readonly webhookId: string
  readonly eventId: string
  readonly replay: number
  readonly facilityId: string
}

interface KeptRow {
  readonly body: string
  readonly content_type: string
  readonly headers: Readonly<Record<string, string>>
}

/** Keeps a body, and answers the kept one: another process may have kept one first. */
export async function keepBody(
  db: Queryable,
  { webhookId, eventId, replay, facilityId }: BodyKey,
  { body, contentType, headers }: MadeBody,
  { eventType, isTest = false }: { readonly eventType: string; readonly isTest?: boolean },
): Promise<MadeBody> {
  const [kept] = await db<{ webhook_id: string }[]>`
    insert into slotbase.delivery_bodies (webhook_id, event_id, replay, facility_id, event_type, content_type, headers, body,
      is_test)
    values (${webhookId}, ${eventId}, ${replay}, ${facilityId}, ${eventType}, ${contentType},
      ${JSON.stringify(headers)}::text::jsonb, ${body}, ${isTest})
    on conflict do nothing
    returning webhook_id`
  if (kept) return { body, contentType, headers }
  const [other] = await db<KeptRow[]>`
    select body, content_type, headers from slotbase.delivery_bodies
    where webhook_id = ${webhookId} and event_id = ${eventId} and replay = ${replay} and facility_id = ${facilityId}`
  if (!other) throw new Error(`the kept body of event ${eventId} is gone`)
  return made(other)
}

/**
 * What an earlier attempt of the delivery sent: a kept body, or `plain`. It was plain when it was sent in the default
 * format, before the webhook's format was changed. Undefined: nothing was sent yet.
 */
export async function sentBefore(
  db: Queryable,
  { webhookId, eventId, replay, facilityId }: BodyKey,
  position: number,
  formatChangedAt: Date | null,
): Promise<MadeBody | "plain" | undefined> {
  const [row] = await db<(Partial<KeptRow> & { readonly plain: boolean })[]>`
    select b.body, b.content_type, b.headers,
           exists (select from slotbase.delivery_queue q
                   join slotbase.attempt_history a on a.event_id = q.event_id and a.delivery_id = q.delivery_id
                   where q.webhook_id = ${webhookId} and q.position = ${position} and q.replay = ${replay}
                     and q.facility_id = ${facilityId} and a.event_id = ${eventId} and a.started_at < ${formatChangedAt}
                     and coalesce(a.error_message, '') not like ${`${bodyNotMade}%`}) as plain
    from (values (1)) v
    left join slotbase.delivery_bodies b on b.webhook_id = ${webhookId} and b.event_id = ${eventId} and b.replay = ${replay}
      and b.facility_id = ${facilityId}`
  if (row?.body != null) return made(row as KeptRow)
  return row?.plain ? "plain" : undefined
}

const made = ({ body, content_type, headers }: KeptRow): MadeBody => ({ body, contentType: content_type, headers })
