/**
 * What a facility is told about the endpoints of its webhooks. One fails, and is told of in stages; one was switched
 * off; one works again. Its state is a row of webhook_health. Change and event commit together, so each stage
 * is told once, however many processes look and whenever one crashes.
 * Writes: webhook_health.
 */
import type { Tx } from "#base/database/transaction.ts"
import { record } from "#events/outbox.ts"
import type { failingStages } from "#events/types/webhook.ts"

/** Something that the facility was told. */
export interface Told {
  readonly webhookId: string
  readonly facilityId: string
  readonly what: "failing" | "disabled" | "recovered"
  readonly stage?: (typeof failingStages)[number]
  readonly reason?: string
}

interface EndpointRow {
  readonly webhook_id: string
  readonly facility_id: string
  readonly name: string
  readonly url: string
  readonly began_at: Date
  readonly last_error: string | null
  readonly now: Date
  /** At most `countAtMost` + 1. */
  readonly waiting: number
  readonly given_up: number
}

/** Failures that one look reads, the newest first. More come from few endpoints that fail fast. */
const failuresPerLook = 20_000
/** What waits is counted so far. Counting a million rows would take longer than telling about them. */
const countAtMost = 10_000
const lookBack = "15 minutes"

/** Notes the endpoints that have failed lately and have delivered nothing since. Ends what concerns nobody any more. */
export async function noteFailures(tx: Tx): Promise<void> {
  await tx`
    delete from slotbase.webhook_health h
    where not exists (select from slotbase.webhooks w
                      where w.id = h.webhook_id and w.facility_id = h.facility_id and w.deleted_at is null)`
  // Switched on again: its stages begin anew. The first delivery gives the all-clear.
  await tx`
    update slotbase.webhook_health h
    set disabled_at = null, stage = 0, given_up_at = null, failing_since = slotbase.now()
    from slotbase.webhooks w
    where h.disabled_at is not null and w.id = h.webhook_id and w.facility_id = h.facility_id and w.is_active`
  await tx`
    with failed as materialized (
      select a.webhook_id, a.facility_id, a.started_at, coalesce(a.error_message, 'HTTP ' || a.response_status, 'failed') as error
      from slotbase.attempt_history a
      where a.outcome = 'failed' and a.is_test is null and a.started_at > (select slotbase.now()) - ${lookBack}::text::interval
      order by a.started_at desc limit ${failuresPerLook}
    ), delivered as materialized (
      select f.webhook_id, f.facility_id, slotbase.webhook_last_delivered(f.webhook_id) as at
      from (select distinct webhook_id, facility_id from failed) f
      join slotbase.webhooks w on w.id = f.webhook_id and w.facility_id = f.facility_id and w.deleted_at is null
    )
    insert into slotbase.webhook_health (webhook_id, facility_id, began_at, failing_since, last_failed_at, last_error)
    select f.webhook_id, f.facility_id, min(f.started_at), min(f.started_at), max(f.started_at),
           left((array_agg(f.error order by f.started_at desc))[1], 500)
    from failed f
    join delivered d on d.webhook_id = f.webhook_id and d.facility_id = f.facility_id
    where f.started_at > coalesce(d.at, '-infinity')
    group by f.webhook_id, f.facility_id
    order by f.webhook_id
    on conflict (webhook_id, facility_id) do update
    set last_failed_at = excluded.last_failed_at, last_error = excluded.last_error
    where webhook_health.last_failed_at is distinct from excluded.last_failed_at`
}

/** Tells of failing endpoints whose next stage has come, at most `limit`. A stage needs a failure since the last. */
export async function tellFailing(tx: Tx, limit: number): Promise<readonly Told[]> {
  const rows = await tx<(EndpointRow & { stage: number; newly_given_up: boolean })[]>`
    with t as materialized (select slotbase.now() as now), due as materialized (
      select h.*, w.name, w.url, t.now, s.reached, g.given_up
      from t
      cross join slotbase.webhook_health h
      join slotbase.webhooks w on w.id = h.webhook_id and w.facility_id = h.facility_id and w.is_active and w.deleted_at is null
      cross join lateral (
        select case when h.failing_since <= t.now - interval '1 day' then 3 when h.failing_since <= t.now - interval '1 hour' then 2
                    when h.failing_since <= t.now - interval '15 minutes' then 1 else 0 end as reached
      ) s
      cross join lateral (
        select count(*) as given_up
        from (select from slotbase.dead_letters d
              where d.webhook_id = h.webhook_id and d.facility_id = h.facility_id and d.created_at >= h.began_at
                and d.resolved_at is null
              limit ${countAtMost + 1}) d
      ) g
      where s.reached > h.stage and (h.told_at is null or h.last_failed_at > h.told_at)
         or h.given_up_at is null and g.given_up > 0
      order by h.webhook_id
      limit ${limit}
      for update of h skip locked
    )
    update slotbase.webhook_health h
    set stage = greatest(d.stage, d.reached), told_at = d.now,
        given_up_at = coalesce(d.given_up_at, case when d.given_up > 0 then d.now end)
    from due d
    where h.webhook_id = d.webhook_id and h.facility_id = d.facility_id
    returning h.webhook_id, h.facility_id, d.name, d.url, d.began_at, h.last_error, d.now, h.stage, d.given_up,
              d.given_up > 0 and d.given_up_at is null as newly_given_up, ${waitingOf(tx)} as waiting`
  return rows.map((row) => {
    const stage = row.newly_given_up ? "given_up" : (stages[row.stage] ?? "one_day")
    const lastError = row.last_error || "failed"
    record(tx, {
      type: "webhook.failing",
      facilityId: row.facility_id,
      data: {
        ...endpointOf(row),
        stage,
        failingSince: row.began_at.toISOString(),
        lastError,
        ...waitsOf(row),
        ...lost(row),
      },
    })
    return { webhookId: row.webhook_id, facilityId: row.facility_id, what: "failing", stage, reason: lastError }
  })
}

/** Tells of the webhooks that were switched off by SlotBase, at most `limit`. */
export async function tellDisabled(tx: Tx, limit: number): Promise<readonly Told[]> {
  const rows = await tx<EndpointRow[]>`
    insert into slotbase.webhook_health as h
      (webhook_id, facility_id, began_at, failing_since, disabled_at, told_at, last_error)
    select w.id, w.facility_id, w.updated_at, w.updated_at, t.now, t.now, w.disabled_reason
    from (select slotbase.now() as now) t
    cross join slotbase.webhooks w
    where w.disabled_reason is not null and not w.is_active and w.deleted_at is null
      and not exists (select from slotbase.webhook_health k
                      where k.webhook_id = w.id and k.facility_id = w.facility_id and k.disabled_at is not null)
    order by w.id
    limit ${limit}
    on conflict (webhook_id, facility_id) do update
    set disabled_at = excluded.disabled_at, told_at = excluded.told_at, last_error = excluded.last_error
    where h.disabled_at is null
    returning h.webhook_id, h.facility_id, h.began_at, h.last_error, h.disabled_at as now, ${waitingOf(tx)} as waiting,
              0 as given_up, ${webhookOf(tx, "name")} as name, ${webhookOf(tx, "url")} as url`
  return rows.map((row) => {
    const reason = row.last_error || "switched off"
    const data = { ...endpointOf(row), reason, disabledAt: row.now.toISOString(), ...waitsOf(row) }
    record(tx, { type: "webhook.disabled", facilityId: row.facility_id, data })
    return { webhookId: row.webhook_id, facilityId: row.facility_id, what: "disabled", reason }
  })
}

/** Ends the rows of endpoints that deliver again, and gives the all-clear to those who were told of the failure. */
export async function tellRecovered(tx: Tx, limit: number): Promise<readonly Told[]> {
  const rows = await tx<(EndpointRow & { told: boolean })[]>`
    delete from slotbase.webhook_health h
    where (h.webhook_id, h.facility_id) in (
      select k.webhook_id, k.facility_id
      from slotbase.webhook_health k
      join slotbase.webhooks w on w.id = k.webhook_id and w.facility_id = k.facility_id and w.is_active and w.deleted_at is null
      where k.disabled_at is null and slotbase.webhook_last_delivered(k.webhook_id) > greatest(k.failing_since, k.last_failed_at)
      order by k.webhook_id
      limit ${limit}
      for update of k skip locked)
    returning h.webhook_id, h.facility_id, h.began_at, h.last_error, h.told_at is not null as told, slotbase.now() as now,
              ${waitingOf(tx)} as waiting, ${webhookOf(tx, "name")} as name, ${webhookOf(tx, "url")} as url,
              (select count(*) from (select from slotbase.dead_letters d
                 where d.webhook_id = h.webhook_id and d.facility_id = h.facility_id and d.created_at >= h.began_at
                   and d.resolved_at is null limit ${countAtMost + 1}) d) as given_up`
  return rows
    .filter((row) => row.told)
    .map((row) => {
      const times = { failingSince: row.began_at.toISOString(), recoveredAt: row.now.toISOString() }
      const data = { ...endpointOf(row), ...times, ...waitsOf(row), ...lost(row) }
      record(tx, { type: "webhook.recovered", facilityId: row.facility_id, data })
      return { webhookId: row.webhook_id, facilityId: row.facility_id, what: "recovered" }
    })
}

const stages = [undefined, "fifteen_minutes", "one_hour", "one_day"] as const

const waitingOf = (tx: Tx) => tx`
  (select count(*) from (select from slotbase.delivery_queue q
     where q.webhook_id = h.webhook_id and q.facility_id = h.facility_id limit ${countAtMost + 1}) q)`

const webhookOf = (tx: Tx, column: "name" | "url") => tx`
  (select w.${tx(column)} from slotbase.webhooks w where w.id = h.webhook_id and w.facility_id = h.facility_id)`

const endpointOf = ({ webhook_id, facility_id, name, url }: EndpointRow) => ({
  webhookId: webhook_id,
  facilityId: facility_id,
  name,
  host: URL.canParse(url) ? new URL(url).host : "unknown",
})

const waitsOf = ({ waiting }: EndpointRow) => ({
  waiting: Math.min(waiting, countAtMost),
  waitingAtLeast: waiting > countAtMost,
})

const lost = (row: EndpointRow) => ({ givenUp: Math.min(row.given_up, countAtMost) })
