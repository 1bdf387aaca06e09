/** The checks of "slotbase doctor", each one statement and one sentence. Reads only. */
import type { Db } from "./database/db.ts"

export interface Check {
  readonly name: string
  readonly well: boolean
  /** What was found, and when it is not well, what to do. */
  readonly says: string
}

/** How many of the latest events the ledger is computed for: enough to see a fault, and done in about a second. */
const ledgerEvents = 10_000
/** An event that waits longer than this for its position is late. */
const lateSeconds = 10

export const checks: readonly ((db: Db) => Promise<Check>)[] = [
  server,
  reader,
  partitions,
  processes,
  undispatched,
  ledger,
  deadLetters,
]

async function server(db: Db): Promise<Check> {
  const [row] = await db<{ version: string; movable: boolean; shift: string }[]>`
    select current_setting('server_version') as version, movable, shift::text from slotbase.clock`
  const clock = row?.movable ? `; demo or test clock, shifted by ${row.shift}` : ""
  return { name: "server", well: row !== undefined, says: `PostgreSQL ${row?.version}${clock}` }
}

async function reader(db: Db): Promise<Check> {
  const [row] = await db<{ granted: boolean }[]>`
    select exists (select from pg_roles where rolname = 'slotbase_reader'
                   and has_table_privilege(oid, 'slotbase.event_log', 'select')) as granted`
  return row?.granted
    ? { name: "reader role", well: true, says: "slotbase_reader may read everything but secrets" }
    : {
        name: "reader role",
        well: false,
        says: "slotbase_reader is missing: as a user who may create roles, create it and grant as at the end of sql/0007-views.sql",
      }
}

async function partitions(db: Db): Promise<Check> {
  const [row] = await db<{ missing: number }[]>`
    select count(*)::integer as missing
    from slotbase.partitioned_tables t
    where to_regclass('slotbase.' || t.name || to_char((select slotbase.now()) at time zone 'UTC' + interval '1 month', '_YYYY_MM')) is null`
  return row?.missing === 0
    ? { name: "partitions", well: true, says: "made for at least a month ahead" }
    : {
        name: "partitions",
        well: false,
        says: `${row?.missing} tables lack next month's partition: run "select slotbase.ensure_partitions()"`,
      }
}

async function processes(db: Db): Promise<Check> {
  const [row] = await db<{ alive: number; waiting: boolean }[]>`
    select (select count(*) from slotbase.processes where alive_until > clock_timestamp()) as alive,
           exists (select from slotbase.outbox) or exists (select from slotbase.handler_queue)
             or exists (select from slotbase.delivery_queue) as waiting`
  const { alive, waiting } = row ?? { alive: 0, waiting: false }
  return alive === 0 && waiting
    ? {
        name: "processes",
        well: false,
        says: "work is waiting and no process does it: start one with SLOTBASE_ROLE=all or actors",
      }
    : { name: "processes", well: true, says: alive === 0 ? "no actors are running" : `${alive} with actors alive` }
}

async function undispatched(db: Db): Promise<Check> {
  const [row] = await db<{ waiting: number; seconds: number }[]>`
    select count(*)::integer as waiting,
           coalesce(extract(epoch from (select slotbase.now()) - min(e.timestamp)), 0)::float as seconds
    from (select * from slotbase.outbox order by seq limit 1000) o
    join slotbase.events e on e.id = o.event_id and e.facility_id = o.facility_id`
  const { waiting, seconds } = row ?? { waiting: 0, seconds: 0 }
  return seconds <= lateSeconds
    ? { name: "outbox", well: true, says: waiting === 0 ? "empty" : `${waiting} events wait for dispatch` }
    : {
        name: "outbox",
        well: false,
        says: `the oldest event has waited ${Math.round(seconds)} s for dispatch: is a process with SLOTBASE_ROLE all or actors running?`,
      }
}

async function ledger(db: Db): Promise<Check> {
  const [row] = await db<{ events: number; unbalanced: number; first: number | null }[]>`
    select count(*)::integer as events, count(*) filter (where not balanced)::integer as unbalanced,
           min(position) filter (where not balanced) as first
    from slotbase.event_ledger
    where position > (select coalesce(max(position), 0) - ${ledgerEvents} from slotbase.event_positions)`
  const { events, unbalanced, first } = row ?? { events: 0, unbalanced: 0, first: null }
  return unbalanced === 0
    ? { name: "ledger", well: true, says: `balanced over the last ${events} events` }
    : {
        name: "ledger",
        well: false,
        says: `${unbalanced} of the last ${events} events lack or exceed their work, first at position ${first}: see slotbase.event_ledger`,
      }
}

async function deadLetters(db: Db): Promise<Check> {
  const [row] = await db<{ open: number }[]>`
    select count(*)::integer as open from slotbase.dead_letters where resolved_at is null`
  return row?.open === 0
    ? { name: "dead letters", well: true, says: "none open" }
    : {
        name: "dead letters",
        well: false,
        says: `${row?.open} open: look at slotbase.dead_letters, then reprocess or ignore each`,
      }
}
