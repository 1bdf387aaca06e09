/**
 * The rows that say how far files have come. A process claims one at a time, under a fencing token that every later
 * write names. Its life sign is the heartbeat of the lease: the work is free again two seconds after the last one.
 * Writes: media_processing.
 */
import type { Db, Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import type { StorageName } from "#base/storage/storage.ts"
import type { MediaType } from "#domain/media/kinds.ts"
import { MediaCutOff, type MediaRefusalCode } from "./refusal.ts"

/** Attempts that are begun; the third may be the one after two deploys. */
export const maxAttempts = 3
/**
 * A file whose processes ended twice waits so long before its last attempt. When something else crashes processes, it
 * does so in a series, and a file that takes a minute would be blamed for it.
 */
const pauseAfterTwoMs = 60_000
/** Longer than any step without progress: ffmpeg is ended after two minutes of silence. */
const standsStillMs = 10 * 60 * 1000

export type ProcessingStep = "reading" | "thumbnail" | "measuring" | "transcoding" | "storing"

/** A file that this process works on. */
export interface ClaimedMedia {
  readonly media_id: string
  readonly facility_id: string
  readonly feedback_id: string
  readonly media_type: MediaType
  readonly content_type: string
  readonly file_name: string
  readonly stored_in: StorageName
  readonly event_id: string
  readonly correlation_id: string
  readonly user_id: string | null
  /** Fencing token. */
  readonly lease: number
  readonly attempts: number
}

export interface ProcessingRow {
  readonly state: "waiting" | "running" | "done" | "failed"
  readonly step: ProcessingStep | null
  readonly progress: number
  readonly reason_code: MediaRefusalCode | null
  readonly reason: string | null
  readonly reported: boolean
}

/** The event that brought a file. */
export interface UploadedEvent {
  readonly id: string
  readonly facility_id: string
  readonly correlation_id: string
  readonly user_id: string | null
}

/**
 * Makes the row of a file that is still there, unless it has one. Answers the row; undefined: the file was removed.
 */
export async function enqueueMedia(
  db: Queryable,
  mediaId: string,
  event: UploadedEvent,
): Promise<ProcessingRow | undefined> {
  await db`
    insert into slotbase.media_processing (media_id, facility_id, event_id, correlation_id, user_id)
    select m.id, m.facility_id, ${event.id}, ${event.correlation_id}, ${event.user_id}
    from slotbase.media m where m.id = ${mediaId} and m.facility_id = ${event.facility_id} for key share
    on conflict (media_id, facility_id) do nothing`
  return findProcessing(db, event.facility_id, mediaId)
}

export async function findProcessing(
  db: Queryable,
  facilityId: string,
  mediaId: string,
): Promise<ProcessingRow | undefined> {
  const [row] = await db<ProcessingRow[]>`
    select state, step, progress, reason_code, reason, reported from slotbase.media_processing
    where media_id = ${mediaId} and facility_id = ${facilityId}`
  return row
}

/** The failure is told; once it was, the next telling begins the work anew. */
export async function reportFailure(
  db: Queryable,
  facilityId: string,
  mediaId: string,
): Promise<"told" | "begun anew"> {
  const [row] = await db<{ state: string }[]>`
    update slotbase.media_processing
    set reported    = not reported,
        state       = case when reported then 'waiting' else state end,
        reason_code = case when not reported then reason_code end,
        reason      = case when not reported then reason end,
        attempts    = case when reported then 0 else attempts end,
        progress    = case when reported then 0 else progress end,
        due_at      = slotbase.now()
    where media_id = ${mediaId} and facility_id = ${facilityId} and state = 'failed'
    returning state`
  return row?.state === "failed" ? "told" : "begun anew"
}

/**
 * Claims the next file for a process; undefined: there is none. The facility whose last file was begun longest ago
 * comes first, so a club with a thousand videos delays no other.
 */
export async function claimMedia(db: Db, owner: number): Promise<ClaimedMedia | undefined> {
  const [row] = await db<ClaimedMedia[]>`
    with next as materialized (
      select p.media_id, p.facility_id
      from slotbase.media_processing p
      where (p.state = 'waiting' and p.due_at <= (select slotbase.now()))
         or (p.state = 'running'
             and (p.beat_at < clock_timestamp() - ${standsStillMs}::integer * interval '1 ms'
                  or (p.attempts < ${maxAttempts - 1} or p.beat_at < clock_timestamp() - ${pauseAfterTwoMs}::integer * interval '1 ms')
                     and not exists (select from slotbase.processes o where o.id = p.owner and o.alive_until > clock_timestamp())))
      order by (select max(s.started_at) from slotbase.media_processing s where s.facility_id = p.facility_id) nulls first,
               p.media_id
      limit 1
      for update of p skip locked
    )
    update slotbase.media_processing p
    set state = 'running', lease = nextval('slotbase.lease_seq'), owner = ${owner}, beat_at = clock_timestamp(),
        attempts = p.attempts + 1, started_at = slotbase.now(), step = 'reading', progress = 0
    from next n
    join slotbase.media m on m.id = n.media_id and m.facility_id = n.facility_id
    where p.media_id = n.media_id and p.facility_id = n.facility_id
    returning p.media_id, p.facility_id, m.feedback_id, m.media_type, m.content_type, m.file_name, m.stored_in, p.event_id,
              p.correlation_id, p.user_id, p.lease, p.attempts`
  return row
}

/** Says how far the work is. @throws MediaCutOff when the lease is somebody else's, or the file is gone */
export async function noteProgress(
  db: Queryable,
  claim: ClaimedMedia,
  at: { readonly step: ProcessingStep; readonly progress: number },
): Promise<void> {
  const { count } = await db`
    update slotbase.media_processing
    set step = ${at.step}, progress = ${at.progress}, beat_at = clock_timestamp()
    where ${held(db, claim)}`
  if (count !== 1) throw gone(claim)
}

/** Holds the claim for this transaction. @throws MediaCutOff */
export async function holdClaim(tx: Tx, claim: ClaimedMedia): Promise<void> {
  const { count } = await tx`select from slotbase.media_processing where ${held(tx, claim)} for no key update`
  if (count !== 1) throw gone(claim)
}

/** @throws MediaCutOff */
export async function endProcessing(
  tx: Tx,
  claim: ClaimedMedia,
  failure?: { readonly code: MediaRefusalCode; readonly reason: string },
): Promise<void> {
  const { count } = await tx`
    update slotbase.media_processing
    set state = ${failure ? "failed" : "done"}, reason_code = ${failure?.code ?? null}, reason = ${failure?.reason ?? null},
        reported = false, lease = null, owner = null, step = null, ended_at = slotbase.now(),
        progress = case when ${failure === undefined} then 100 else progress end
    where ${held(tx, claim)}`
  if (count !== 1) throw gone(claim)
}

/** Gives the work back. @param tookPart false: the process stops, and the attempt does not count. */
export async function returnMedia(db: Db, claim: ClaimedMedia, afterMs: number, tookPart: boolean): Promise<void> {
  await db`
    update slotbase.media_processing
    set state = 'waiting', lease = null, owner = null, step = null, progress = 0,
        attempts = attempts - ${tookPart ? 0 : 1}::integer, due_at = slotbase.now() + ${afterMs}::integer * interval '1 ms'
    where ${held(db, claim)}`
}

const held = (sql: Queryable, { media_id, facility_id, lease }: ClaimedMedia) => sql`
  media_id = ${media_id} and facility_id = ${facility_id} and lease = ${lease}`

const gone = ({ media_id }: ClaimedMedia) =>
  new MediaCutOff(`the work on ${media_id} is somebody else's, or the file is gone`)
