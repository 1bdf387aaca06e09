/**
 * The months of the log that leave, partition by partition. Unfinished work of such a month becomes dead letters first.
 * No writer ever waits for it. A reader is waited for a few seconds, and the next run goes on. Killed between any two
 * steps, the next run goes on where it was. sql/0016-retention.sql has the steps and the reasons for their order;
 * sql/0018-what-grows-ends.sql says which months are due.
 * Writes, through the functions there: retired_months; outbox, queues and histories of months that leave;
 * event_positions; handler_batches; subscriptions that ended before the log begins.
 */
import type { Sql } from "postgres"
import { reached } from "#base/crash-points.ts"

/**
 * Rows per transaction, so that none holds locks for long. The first is smaller, because each dead letter reads its
 * event.
 */
const deadLetterBatch = 500
const forgetBatch = 10_000

/** Reports each month that has left, and the readers that keep a month from leaving. */
export type SayMonth = (line: { readonly level: "info" | "warn"; readonly message: string }) => void

interface Month {
  readonly month: string
  readonly partitions: readonly string[]
  readonly undispatched: number
  readonly runs: number
  readonly deliveries: number
  readonly positions: number
}

/** Removes one month, from its first step or from where it was left. True: it is gone, and another one may be due. */
export async function retireMonth(sql: Sql, stopping: AbortSignal, say: SayMonth): Promise<boolean> {
  const [due] = await sql<Month[]>`select month::text, partitions from slotbase.retire_month()`
  if (due === undefined) return false
  reached("month-named")
  try {
    await deadLetterUnfinished(sql, due.month, stopping)
    reached("month-dead-lettered")
    await forget(sql, due.month, stopping)
    reached("log-forgotten")
    await forgetBatches(sql, stopping)
    for (const partition of due.partitions) {
      if (stopping.aborted) return false
      await detach(sql, partition)
      // Without its event nothing can be put back to work. Work that was put back until now still has its history.
      if (partition === due.partitions[0]) {
        await deadLetterUnfinished(sql, due.month, stopping)
        reached("detached-dead-lettered")
      }
    }
    // The events go last: dead letters were made from them.
    for (const partition of [...due.partitions].reverse()) {
      if (stopping.aborted) return false
      await sql`drop table if exists ${sql(`slotbase.${partition}`)}`
      reached("partition-dropped")
    }
  } catch (error) {
    if (!isBusy(error)) throw error
    say({ level: "warn", message: `${due.month.slice(0, 7)} cannot leave yet: ${await whoReads(sql, due)}` })
    return false
  }
  if (stopping.aborted) return false
  const [gone] = await sql<Month[]>`select *, month::text from slotbase.end_retired_month(${due.month})`
  reached("month-ended")
  if (gone) say({ level: "info", message: inWords(gone) })
  return true
}

async function deadLetterUnfinished(sql: Sql, month: string, stopping: AbortSignal): Promise<void> {
  for (let left = true; left && !stopping.aborted; ) {
    const [done] = await sql<{ left: boolean }[]>`
      select undispatched + runs + deliveries > 0 as left from slotbase.dead_letter_month(${month}, ${deadLetterBatch})`
    left = done?.left === true
  }
}

async function forget(sql: Sql, month: string, stopping: AbortSignal): Promise<void> {
  for (let left = true; left && !stopping.aborted; ) {
    const [done] = await sql<{ forgotten: number }[]>`
      select slotbase.forget_positions(${month}, ${forgetBatch}) as forgotten`
    left = done?.forgotten === forgetBatch
  }
}

/** Forgets the runs of earlier months that are left, found by the first position of the log. */
async function forgetBatches(sql: Sql, stopping: AbortSignal): Promise<void> {
  for (let left = true; left && !stopping.aborted; ) {
    const [done] = await sql<{ found: number }[]>`select slotbase.forget_batches(${forgetBatch}) as found`
    left = done?.found === forgetBatch
  }
}

/** In each state of the partition: attached, detached halfway, detached, or gone. */
async function detach(sql: Sql, partition: string): Promise<void> {
  const [found] = await sql<{ parent: string; pending: boolean }[]>`
    select p.relname as parent, i.inhdetachpending as pending
    from pg_inherits i
    join pg_class p on p.oid = i.inhparent
    where i.inhrelid = to_regclass(${`slotbase.${partition}`})`
  if (found === undefined) return
  const [parent, child] = [sql(`slotbase.${found.parent}`), sql(`slotbase.${partition}`)]
  if (found.pending) await sql`alter table ${parent} detach partition ${child} finalize`
  else await sql`alter table ${parent} detach partition ${child} concurrently`
  reached("partition-detached")
}

/** lock_not_available, query_canceled, deadlock_detected; and two processes at one partition. */
const isBusy = (error: unknown) =>
  error instanceof Error && "code" in error && /^(55P03|57014|40P01|55000|42P01)$/.test(String(error.code))

async function whoReads(sql: Sql, { partitions }: Month): Promise<string> {
  const rows = await sql<{ session: string }[]>`
    select session from slotbase.partition_readers(${[...partitions]}) limit 3`
  return rows.length === 0 ? "somebody holds a lock" : `it is open in ${rows.map((row) => row.session).join("; ")}`
}

function inWords({ month, undispatched, runs, deliveries, positions }: Month): string {
  const unfinished = undispatched + runs + deliveries
  const letters = `${unfinished} dead letters were made: ${undispatched} of events never dispatched, ${runs} of runs, ${deliveries} of deliveries`
  return `${month.slice(0, 7)} is no longer kept: ${positions} events have left the log${unfinished > 0 ? `; ${letters}` : ""}`
}
