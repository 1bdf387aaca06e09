// The tools that the parts of the benchmark share: a PostgreSQL for each, and a meter for the costs of a stretch of
// work.

import { chmod, mkdtemp, readdir, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import postgres from "postgres"
import { type Embedded, startEmbedded } from "#base/database/embedded/start.ts"
import { round } from "#scripts/statistics.ts"
import { endsOnce } from "./running.ts"

export interface Bench {
  readonly url: string
  /** A connection of the benchmark's own. */
  readonly sql: postgres.Sql
  /** Process id of the postmaster. */
  readonly postmaster: number
  readonly stop: () => Promise<void>
}

/** PostgreSQL as SlotBase embeds it (fsync and synchronous_commit on), in a folder that is removed afterwards. */
export async function startBench(settings: Record<string, string> = {}): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), "slotbase-bench-"))
  // When this runs as root, PostgreSQL runs as another user, and that user must be able to enter.
  await chmod(folder, 0o711)
  let sql: postgres.Sql<{ bigint: number }> | undefined
  let starting: Promise<Embedded> | undefined
  const stop = endsOnce(async () => {
    await sql?.end({ timeout: 1 })
    await (await starting?.catch(() => undefined))?.stop()
    await rm(folder, { recursive: true, force: true })
  })
  try {
    starting = startEmbedded({ dataDir: folder, settings })
    const { url } = await starting
    sql = postgres(url, { max: 1, onnotice: () => {}, types: { bigint } })
    const [row] = await sql<{ folder: string }[]>`select current_setting('data_directory') as folder`
    const pid = await readFile(join(row?.folder ?? folder, "postmaster.pid"), "utf8").catch(() => "0")
    return { url, sql, postmaster: Number(pid.split("\n")[0]), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

const bigint = { to: 20, from: [20], serialize: String, parse: Number }

/** The costs of a stretch of work. CPU is undefined where there is no /proc. */
export interface Cost {
  readonly seconds: number
  /** CPU of the metered processes. */
  readonly programCpuSeconds: number | undefined
  readonly postgresCpuSeconds: number | undefined
  readonly walBytes: number
  /** Rows that were updated or deleted, in all tables of the database. */
  readonly deadTuples: number
}

/** Starts a meter; answers a function that reads it. Without pids it meters this process. */
export async function meter(bench: Bench, pids: readonly number[] = [process.pid]): Promise<() => Promise<Cost>> {
  const read = async () => {
    const [row] = await bench.sql<{ wal: number; dead: number }[]>`
      with flushed as materialized (select pg_stat_force_next_flush(), pg_stat_clear_snapshot())
      select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint as wal,
             (select coalesce(sum(n_tup_upd + n_tup_del), 0)::bigint from pg_stat_all_tables, flushed) as dead`
    return {
      at: performance.now(),
      wal: row?.wal ?? 0,
      dead: row?.dead ?? 0,
      program: await cpuSeconds(pids),
      postgres: await cpuSeconds([bench.postmaster, ...(await childrenOf(bench.postmaster))], bench.postmaster),
    }
  }
  const before = await read()
  return async () => {
    const after = await read()
    const between = (from: number | undefined, to: number | undefined) =>
      from === undefined || to === undefined ? undefined : round(to - from)
    return {
      seconds: round((after.at - before.at) / 1000),
      programCpuSeconds: between(before.program, after.program),
      postgresCpuSeconds: between(before.postgres, after.postgres),
      walBytes: after.wal - before.wal,
      deadTuples: after.dead - before.dead,
    }
  }
}

const ticksPerSecond = 100

/** User and system time of the processes. For `parent`, children that have ended are included. */
async function cpuSeconds(pids: readonly number[], parent?: number): Promise<number | undefined> {
  const stats = await Promise.all(pids.map((pid) => statOf(pid)))
  if (stats.every((stat) => stat === undefined)) return undefined
  let ticks = 0
  for (const [index, stat] of stats.entries()) {
    if (!stat) continue
    const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = stat
    ticks += user + system + (pids[index] === parent ? endedUser + endedSystem : 0)
  }
  return ticks / ticksPerSecond
}

/** utime, stime, cutime, cstime (man 5 proc). */
async function statOf(pid: number): Promise<number[] | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined)
  return text
    ?.slice(text.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 15)
    .map(Number)
}

async function childrenOf(pid: number): Promise<number[]> {
  const names = await readdir("/proc").catch(() => [])
  const found = await Promise.all(
    names
      .filter((name) => /^\d+$/.test(name))
      .map(async (name) => {
        const text = await readFile(`/proc/${name}/stat`, "utf8").catch(() => "")
        return text.slice(text.lastIndexOf(")") + 2).split(" ")[1] === String(pid) ? Number(name) : undefined
      }),
  )
  return found.filter((each) => each !== undefined)
}
