/**
 * Settles attempts, many at a time and each under its fencing token. A delivery that another process has claimed
 * meanwhile is left to that process. A repeated settlement changes nothing, so a settlement whose answer was lost is
 * repeated.
 * Writes: delivery_queue, delivery_history, attempt_history.
 */

import type { Fragment, SettlesEnds } from "#actors/runtime/turns.ts"
import { reached } from "#base/crash-points.ts"
import { plainArray, textArray } from "#base/database/array-literal.ts"
import type { Db } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { waitingForQuarantine } from "./claim-rows.ts"
import { type AttemptResult, keptBodyEnd } from "./delivery.ts"
import { type DueRetry, settleFailedAttempts } from "./settle-failed-rows.ts"
import { releaseFollowers, settleInOrder } from "./settle-ordered.ts"

/** @returns the retries that are due later, and the deliveries that wait for quarantine. */
export async function settleAttempts(db: Db, results: readonly AttemptResult[]): Promise<readonly DueRetry[]> {
  const delivered = results.filter((result) => result.outcome === "delivered")
  const failed = results.filter((result) => result.outcome !== "delivered")
  const next = delivered.length > 0 ? await settleInOrder(db, delivered, (on) => settleDelivered(on, delivered)) : []
  if (delivered.length > 0 && failed.length > 0) reached("delivered-settled")
  const failures = failed.length > 0 ? await settleFailedAttempts(db, failed) : []
  const retries = [...next, ...failures, ...(await releaseFollowers(db, delivered))]
  for (const { delivery } of results) delivery.endQuarantine?.()
  const endsQuarantine = results.some(({ delivery }) => delivery.quarantined)
  return endsQuarantine ? [...retries, ...(await waitingForQuarantine(db))] : retries
}

/** Its settlement is one statement, and sets nothing else free. */
export const isPlain = ({ outcome, delivery }: AttemptResult): boolean =>
  outcome === "delivered" &&
  delivery.aggregate_id === null &&
  delivery.failures <= delivery.webhook.max_retries &&
  !delivery.quarantined

/**
 * The settlement of plain results as a part of the statement of a turn. Whoever holds one of the rows is not waited
 * for: meanwhile nobody could dispatch. The answer has the leases of the deliveries that were settled.
 */
export const settlesWithTurn =
  (results: readonly AttemptResult[]): SettlesEnds =>
  (db) =>
    db`
  ${removal(db, results, db`for update skip locked`, db`cross join turned`, db`and turned.dispatched is not null`)},
  finished as (${history(db)}),
  settled as (select string_agg(lease::text, ',') as leases from gone)`

const settleDelivered = (db: Db | Tx, results: readonly AttemptResult[]) => db`
  with ${removal(db, results, db``, db``, db``)} ${history(db)}`

// The plan has only one way to each table, whatever the statistics say: look-ups by key behind "offset 0", then by
// ctid. Alone, nothing is locked before it is deleted: a process that changed the row meanwhile has changed its lease.
// The rows come in the order in which a deletion of the webhook takes them. There is an array per column, because
// PostgreSQL took twice the time to read JSON.
function removal(
  db: Db | Tx,
  results: readonly AttemptResult[],
  locked: Fragment,
  after: Fragment,
  isAfter: Fragment,
): Fragment {
  const of = columnsOf(results)
  return db`
  t as materialized (select slotbase.now() as now), held as materialized (
    select r.*, q.at
    from (
      select * from unnest(
        ${of.webhookIds}::text::uuid[], ${of.positions}::text::bigint[], ${of.replays}::text::smallint[],
        ${of.leases}::text::bigint[], ${of.attemptIds}::text::uuid[], ${of.urls}::text::text[], ${of.methods}::text::text[],
        ${of.sentMs}::text::bigint[], ${of.durationsMs}::text::real[], ${of.signatures}::text::text[],
        ${of.statuses}::text::smallint[], ${of.headers}::text::jsonb[], ${of.bodies}::text::text[],
        ${of.requestHeaders}::text::jsonb[], ${of.addresses}::text::inet[], ${of.reused}::text::boolean[],
        ${of.dnsMs}::text::real[], ${of.connectMs}::text::real[], ${of.tlsMs}::text::real[],
        ${of.firstByteMs}::text::real[], ${of.bodyMs}::text::real[], ${of.bodyEnds}::text::text[],
        ${of.versions}::text::integer[]
      ) as r (webhook_id, position, replay, lease, attempt_id, url, method, sent_ms, duration_ms, signature, status, headers, body,
              request_headers, address, reused, dns_ms, connect_ms, tls_ms, first_byte_ms, body_ms, body_end, version)
      order by webhook_id, position, replay
    ) r
    ${after}
    cross join lateral (
      select ctid as at from slotbase.delivery_queue
      where webhook_id = r.webhook_id and position = r.position and replay = r.replay and lease = r.lease ${isAfter}
      offset 0 ${locked}
    ) q
  ), gone as (
    delete from slotbase.delivery_queue q using held h where q.ctid = h.at and q.lease = h.lease
    returning q.webhook_id, q.position, q.replay, q.facility_id, q.event_id, q.delivery_id, q.sequence, q.attempts + 1 as attempt, q.lease,
              q.started_at, q.errors, h.attempt_id, h.url, h.method, h.sent_ms, h.duration_ms, h.signature, h.status, h.headers, h.body,
              h.request_headers, h.address, h.reused, h.dns_ms, h.connect_ms, h.tls_ms, h.first_byte_ms, h.body_ms, h.body_end, h.version
  ), attempts as (
    insert into slotbase.attempt_history (event_id, delivery_id, attempt, id, facility_id, webhook_id, url, method, started_at,
      sent_at, outcome, duration_ms, signature, response_status, response_headers, response_body,
      request_headers, address, connection_reused, dns_ms, connect_ms, tls_ms, first_byte_ms, body_ms, body_end, version)
    select event_id, delivery_id, attempt, attempt_id, facility_id, webhook_id, url, method, started_at,
           to_timestamp(sent_ms / 1000::float8), 'delivered', duration_ms, signature, status, headers, body,
           request_headers, address, reused, dns_ms, connect_ms, tls_ms, first_byte_ms, body_ms, body_end, version
    from gone
  )`
}

const history = (db: Db | Tx): Fragment => db`
  insert into slotbase.delivery_history (webhook_id, event_id, replay, facility_id, position, delivery_id, sequence,
    status, attempts, settled_at, errors)
  select g.webhook_id, g.event_id, g.replay, g.facility_id, g.position, g.delivery_id, g.sequence,
         'delivered', g.attempt, t.now, g.errors
  from gone g cross join t`

function columnsOf(results: readonly AttemptResult[]) {
  const plain = (value: (result: AttemptResult) => number | string) => plainArray(results.map(value))
  // Most attempts lack the same facts, such as the times of a connection that is not new. "unnest" fills a short array.
  const known = (value: (result: AttemptResult) => number | string | boolean | undefined) => {
    const values = results.map(value)
    return values.every((each) => each === undefined) ? "{}" : plainArray(values.map((each) => String(each ?? "null")))
  }
  const texts = (text: (result: AttemptResult) => string | undefined) => textArray(results.map(text))
  return {
    webhookIds: plain(({ delivery }) => delivery.webhook_id),
    positions: plain(({ delivery }) => delivery.position),
    replays: plain(({ delivery }) => delivery.replay),
    leases: plain(({ delivery }) => delivery.lease),
    attemptIds: plain(({ delivery }) => delivery.attempt_id),
    urls: texts(({ delivery }) => delivery.webhook.url),
    methods: plain(({ delivery }) => delivery.webhook.method),
    sentMs: plain(({ sentAt }) => sentAt.getTime()),
    durationsMs: plain(({ durationMs }) => durationMs),
    signatures: texts(({ signature }) => signature),
    statuses: plain(({ status }) => status ?? 0),
    headers: texts(({ headers }) => JSON.stringify(headers)),
    bodies: texts(({ body }) => body),
    requestHeaders: texts(({ requestHeaders }) => requestHeaders && JSON.stringify(requestHeaders)),
    addresses: known(({ trace }) => trace?.address),
    reused: known(({ trace }) => trace?.isReused),
    dnsMs: known(({ trace }) => trace?.dnsMs),
    connectMs: known(({ trace }) => trace?.connectMs),
    tlsMs: known(({ trace }) => trace?.tlsMs),
    firstByteMs: known(({ trace }) => trace?.firstByteMs),
    bodyMs: known(({ trace }) => trace?.bodyMs),
    bodyEnds: known(({ bodyEnd }) => keptBodyEnd(bodyEnd)),
    versions: plain(({ delivery }) => delivery.webhook.version),
  }
}
