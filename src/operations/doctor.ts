/** The checks of "slotbase doctor", each one statement and one sentence. Reads only. */
import { knownClockDoubt } from "#base/clock-watch.ts"
import type { Db } from "#base/database/db.ts"
import { isZone, zoneDataVersion } from "#base/zones/zone-data.ts"
import { calendars } from "./calendars-check.ts"
import { comparedYears, compareZones, differenceText, zonesInUse } from "./zones/compare.ts"
import { unsettledBookings } from "./zones/standing.ts"

export interface Check {
  readonly name: string
  readonly well: boolean
  /** The finding; for a fault, also the remedy. */
  readonly says: string
}

/** The ledger is computed for this many of the latest events: enough to see a fault, in about a second. */
const ledgerEvents = 10_000
/** Blockers that are no fault of SlotBase: a receiver fails, is slow or is switched off, or a retry is not due yet. */
const wanted = ["retry", "paused", "disabled", "webhook_deleted", "breaker_open", "endpoint_busy"]
/** The job runs every hour. An open reader may delay it for a while. */
const overdueDays = 2

export const checks: readonly ((db: Db) => Promise<Check>)[] = [
  server,
  clocks,
  clock,
  reader,
  partitions,
  processes,
  retention,
  late,
  vacuum,
  ledger,
  money,
  zones,
  coaches,
  deadLetters,
  deadPasses,
  jobs,
  mail,
  texts,
  push,
  calendars,
]

async function server(db: Db): Promise<Check> {
  const [row] = await db<{ version: string; shift: string | null }[]>`
    select current_setting('server_version') as version, nullif(shift, '0')::text as shift from slotbase.clock`
  const clock = row?.shift ? `; the clock of this database is ahead by ${row.shift}` : ""
  return { name: "server", well: row !== undefined, says: `PostgreSQL ${row?.version}${clock}` }
}

/** A time service keeps clocks within milliseconds. The question itself takes less than this. */
const clocksApartSeconds = 5
/** An event is younger than this only when the clock was set back. */
const futureSeconds = 60

/** Whether this machine's clock agrees with the database's, and whether the database's was set back. */
async function clocks(db: Db): Promise<Check> {
  const [row] = await db<{ now: Date; future: number | null }[]>`
    select clock_timestamp() as now, (
      -- A clock that may be moved is moved back on purpose.
      select extract(epoch from p.dispatched_at - slotbase.now())::float8
      from slotbase.event_positions p where not c.movable order by p.position desc limit 1) as future
    from slotbase.clock c`
  const name = "clocks"
  const apart = row === undefined ? 0 : Math.round((Date.now() - row.now.getTime()) / 1_000)
  if (Math.abs(apart) > clocksApartSeconds)
    return {
      name,
      well: false,
      says: `this machine's clock is ${Math.abs(apart)} s ${apart > 0 ? "ahead of" : "behind"} the database's: let a time service set both`,
    }
  const future = Math.round(row?.future ?? 0)
  return future > futureSeconds
    ? {
        name,
        well: false,
        says: `the newest event is ${future} s in the future: the clock was set back; jobs that wait for a time wait longer`,
      }
    : { name, well: true, says: "this machine and the database agree" }
}

/** Whether acts that cannot be taken back wait for the clock of the host. */
async function clock(db: Db): Promise<Check> {
  const doubt = await knownClockDoubt(db)
  return doubt === undefined
    ? { name: "clock", well: true, says: "nothing waits for it" }
    : { name: "clock", well: false, says: `deletions wait: ${doubt}` }
}

/** Views that only the program reads. */
const ownViews = ["outbox_writers"]

async function reader(db: Db): Promise<Check> {
  const [row] = await db<{ closed: string[] }[]>`
    select array(select c.relname from pg_class c
                 where c.relnamespace = 'slotbase'::regnamespace and c.relkind = 'v' and c.relname <> all (${ownViews})
                   and not (has_schema_privilege(r.oid, c.relnamespace, 'usage') and has_table_privilege(r.oid, c.oid, 'select'))
                 order by 1) as closed
    from pg_roles r where r.rolname = 'slotbase_reader'`
  const name = "reader role"
  if (row === undefined) return { name, well: false, says: `slotbase_reader is missing: ${howToMakeReader}` }
  const [first] = row.closed
  return first === undefined
    ? { name, well: true, says: "slotbase_reader may read everything but secrets" }
    : {
        name,
        well: false,
        says: `slotbase_reader may not read ${row.closed.length} views, first ${first}: run "./scripts/slotbase grant-reader"`,
      }
}

export const howToMakeReader =
  'run "create role slotbase_reader nologin" as a user who may create roles, then "./scripts/slotbase grant-reader"'

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
           exists (select from slotbase.outbox) or exists (select from slotbase.unfinished_runs)
             or exists (select from slotbase.delivery_queue) as waiting`
  const { alive, waiting } = row ?? { alive: 0, waiting: false }
  return alive === 0 && waiting
    ? {
        name: "processes",
        well: false,
        says: "work is waiting and no process does it: start one with ./scripts/start (SLOTBASE_ROLE=all or actors)",
      }
    : { name: "processes", well: true, says: alive === 0 ? "no actors are running" : `${alive} with actors alive` }
}

/**
 * Months of the log that should have been removed, and the sessions that have their tables open. The job reports them
 * too, but only in its output.
 */
async function retention(db: Db): Promise<Check> {
  const [row] = await db<{ keep: string | null; overdue: string[]; readers: string[] }[]>`
    select s.keep_events::text as keep, o.overdue, array(
      select r.session from slotbase.partition_readers(o.overdue) r where r.name <> 'slotbase retention' limit 3) as readers
    from slotbase.settings s
    cross join (select array(
      select d.partition from slotbase.due_partitions((select slotbase.now()) - ${overdueDays}::integer * interval '1 day') d
      union
      select p from slotbase.retired_months m cross join unnest(m.partitions) p
      where m.ended_at is null and m.began_at < (select slotbase.now()) - ${overdueDays}::integer * interval '1 day'
        and to_regclass('slotbase.' || p) is not null
      order by 1) as overdue) o`
  const { keep, overdue, readers } = row ?? { keep: null, overdue: [], readers: [] }
  return overdue.length === 0
    ? {
        name: "retention",
        well: true,
        says: keep === null ? "events are kept for ever" : `events are kept for ${keep}`,
      }
    : {
        name: "retention",
        well: false,
        says: `${overdue.length} partitions should have been dropped, first ${overdue[0]}: ${
          readers.length === 0 ? "is a process with actors running?" : `open in ${readers.join("; ")}`
        }`,
      }
}

async function late(db: Db): Promise<Check> {
  const rows = await db<{ blocker: string; count: number; oldest: string; detail: string }[]>`
    select blocker, count(*)::integer as count, date_trunc('second', (select slotbase.now()) - min(since))::text as oldest,
           (array_agg(kind || ': ' || detail order by since))[1] as detail
    from slotbase.late_events group by blocker order by blocker = any (${wanted}), min(since)`
  const says = rows.map(({ blocker, count, oldest, detail }) => `${count} ${blocker} for up to ${oldest} (${detail})`)
  return {
    name: "late",
    well: rows.every(({ blocker }) => wanted.includes(blocker)),
    says: rows.length === 0 ? "nothing" : `${says.join("; ")}: see slotbase.late_events`,
  }
}

async function vacuum(db: Db): Promise<Check> {
  const [oldest] = await db<{ kind: string; session: string | null; name: string; transactions: number }[]>`
    select kind, slotbase.session_text(pid, name, state, since) as session, name, transactions
    from slotbase.vacuum_holders where holds = 'vacuum' and noticed order by transactions desc, since limit 1`
  return oldest === undefined
    ? { name: "vacuum", well: true, says: "no session keeps dead rows for long" }
    : {
        name: "vacuum",
        well: false,
        says: `${oldest.kind === "session" ? oldest.session : `${oldest.kind} ${oldest.name}`} keeps the dead rows of ${oldest.transactions} transactions: see slotbase.vacuum_holders`,
      }
}

async function ledger(db: Db): Promise<Check> {
  const [row] = await db<{ events: number; unbalanced: number; first: number | null }[]>`
    select count(*)::integer as events, count(*) filter (where not balanced)::integer as unbalanced,
           min(position) filter (where not balanced) as first
    from slotbase.event_ledger_whole
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

/** Whether the ledger agrees with the payments, refunds and charges. */
async function money(db: Db): Promise<Check> {
  const [first, ...more] = await db<{ facility: string; account: string; currency: string }[]>`
    select facility, account, currency from slotbase.money_balances where not conserved order by facility, account`
  return first === undefined
    ? { name: "money", well: true, says: "conserved in every ledger" }
    : {
        name: "money",
        well: false,
        says: `${more.length + 1} accounts do not balance, first "${first.account}" of ${first.facility} in ${first.currency}: see slotbase.money_balances`,
      }
}

/**
 * The zones of the facilities. One that the program does not know is a fault. Names where the runtime or PostgreSQL
 * reads their clocks differently. Bookings that a change of law left at another time by the clock are a fault.
 */
async function zones(db: Db): Promise<Check> {
  const name = "zones"
  const inUse = await zonesInUse(db)
  const unknown = inUse.filter((zone) => !isZone(zone))
  if (unknown.length > 0)
    return {
      name,
      well: false,
      says: `facilities have time zones that this version does not know, and their local jobs do not run: ${unknown.slice(0, maxNamedDifferences).join(", ")}. Start a newer version, or give them another zone`,
    }
  const { value: open } = await unsettledBookings(db).next()
  if (open !== undefined)
    return {
      name,
      well: false,
      says: `bookings in ${open.timezone} are no longer at their agreed local time, first ${open.bookingId}: run "./scripts/slotbase zones"`,
    }
  const now = Date.now()
  const differences = await compareZones(db, inUse, { start: now, end: now + comparedYears * yearMs })
  const named = differences.slice(0, maxNamedDifferences).map(differenceText)
  const more = differences.length - named.length
  const apart = named.length === 0 ? "" : `; ${named.join("; ")}${more > 0 ? `; and ${more} more` : ""}`
  return { name, well: true, says: `local time by the zone data ${zoneDataVersion}${apart}` }
}

const yearMs = 365 * 24 * 3_600_000
const maxNamedDifferences = 3

/** Whether lessons or blocks to come share a coach: only those made before the database kept a coach's time. */
async function coaches(db: Db): Promise<Check> {
  const [first, ...more] = await db<{ coach: string; facility: string; booking: string }[]>`
    select u.first_name || ' ' || u.last_name as coach, f.name as facility, c.booking_id as booking
    from slotbase.coaches_in_two_places c
    join slotbase.users u on u.id = c.coach_id
    join slotbase.facilities f on f.id = c.facility_id
    order by c.start_at, c.booking_id`
  return first === undefined
    ? { name: "coaches", well: true, says: "nobody is in two places" }
    : {
        name: "coaches",
        well: false,
        says: `${more.length + 1} lessons or blocks have a coach who is elsewhere then, first booking ${first.booking} of ${first.coach} at ${first.facility}: move or cancel it; see slotbase.coaches_in_two_places`,
      }
}

async function deadLetters(db: Db): Promise<Check> {
  const [row] = await db<{ open: number; of: string | null }[]>`
    select coalesce(sum(c.open), 0)::integer as open, string_agg(c.open || ' of ' || c.name, ', ' order by c.open desc, c.name) as of
    from (select coalesce(handler, 'webhooks') as name, count(*) as open
          from slotbase.dead_letters where resolved_at is null group by 1) c`
  return row?.open === 0
    ? { name: "dead letters", well: true, says: "none open" }
    : {
        name: "dead letters",
        well: false,
        says: `${row?.open} open (${row?.of}): look at slotbase.dead_letters or "./scripts/slotbase dead-letters", then reprocess, ignore or resolve each; an event of a month that is no longer kept cannot be reprocessed`,
      }
}

/** Actors whose last pass failed at every attempt, and has not ended well since. */
async function deadPasses(db: Db): Promise<Check> {
  const [row] = await db<{ open: number; actors: string | null; last: string | null }[]>`
    select count(*)::integer as open, string_agg(distinct actor, ', ') as actors,
           (array_agg(actor || ': ' || left(error, ${longestError}) order by failed_at desc))[1] as last
    from slotbase.dead_passes where recovered_at is null`
  return row?.open
    ? {
        name: "dead passes",
        well: false,
        says: `${row.open} of ${row.actors} failed at every attempt and no later pass ended well, last ${row.last}: see slotbase.dead_passes`,
      }
    : { name: "dead passes", well: true, says: "none open" }
}

/** Whether scheduled jobs fail, or the scheduler has not looked at one in time. */
async function jobs(db: Db): Promise<Check> {
  const [row] = await db<{ open: number; names: string | null; last: string | null; late: number }[]>`
    select count(*)::integer as open, string_agg(distinct job, ', ') as names,
           (array_agg(job || ': ' || left(last_error, ${longestError}) order by failing_since desc))[1] as last,
           (select count(*)::integer from slotbase.job_schedules
            where look_at < slotbase.now() - (select late_after from slotbase.settings)) as late
    from slotbase.job_schedules where failing_since is not null`
  const faults = [
    row?.open
      ? `${row.open} fail (${row.names}), last ${row.last}: see slotbase.job_ledger, mend the cause, and run them by hand`
      : "",
    row?.late ? `${row.late} schedules are late: is a process with actors running?` : "",
  ].filter((fault) => fault !== "")
  return { name: "jobs", well: faults.length === 0, says: faults.join("; ") || "none fails, and none is late" }
}

/** Whether the mail server takes mail. */
function mail(db: Db): Promise<Check> {
  const what = "mend SMTP_URL, SLOTBASE_MAIL_FROM or the account at the mail server"
  return service(db, "mail", "email", `${what}; mail then goes on by itself`)
}

/** Whether the provider takes text messages. */
function texts(db: Db): Promise<Check> {
  return service(
    db,
    "texts",
    "sms",
    "mend SLOTBASE_SMS_… or the account at the provider; texts then go on by themselves",
  )
}

/** Push messages are held for one push service at most, so this only says how many wait. */
function push(db: Db): Promise<Check> {
  return service(db, "push", "push", "they then go on by themselves")
}

/** @param remedy when the service is held */
async function service(db: Db, name: string, channel: "email" | "sms" | "push", remedy: string): Promise<Check> {
  const [row] = await db<{ failures: number; failed_for: string | null; answer: string | null; waiting: number }[]>`
    select s.failures, date_trunc('second', slotbase.now() - s.failing_since)::text as failed_for, left(s.last_answer, ${longestError}) as answer,
           (select count(*)::integer from slotbase.notifications where deferred_since is not null and status = 'deferred' and channel = ${channel}) as waiting
    from slotbase.mail_service s where s.channel = ${channel}`
  const { failures, failed_for, answer, waiting } = row ?? { failures: 0, failed_for: null, answer: null, waiting: 0 }
  return failed_for === null
    ? { name, well: true, says: waiting === 0 ? "taken" : `taken; ${waiting} messages wait for another try` }
    : {
        name,
        well: false,
        says: `held for ${failed_for} after ${failures} answers, ${waiting} messages wait, last answer "${answer}": ${remedy}`,
      }
}

/** Characters of an error that a line shows. */
const longestError = 200
