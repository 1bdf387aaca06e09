// What the rules of a club cost a member who books. The same booking is made in a club without any rule and in one with
// all of them, in turn on one server. With SLOTBASE_BENCH_BEFORE=<folder of an earlier checkout> that program takes
// turns too, on a database of its own in the same PostgreSQL.

import { join } from "node:path"
import { hashToken, newToken } from "#base/secrets.ts"
import { type Figure, perEvent } from "#scripts/benchmarks/figure.ts"
import { type LineProcess, startLineProcess } from "#scripts/benchmarks/line-process.ts"
import { type Bench, type Cost, meter } from "#scripts/benchmarks/measure.ts"
import { startProgram } from "#scripts/benchmarks/running.ts"
import { median, percentile, round } from "#scripts/statistics.ts"
import { type Client, clientOf, makeClub } from "#test/harness/api/client.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { startCountingProxy } from "#test/harness/outside/counting-proxy.ts"
import type { System } from "#test/harness/setup/system.ts"
import type { LoadOrder, LoadResult } from "./load.ts"
import type { Person } from "./people.ts"

const courts = 100
/** So many that a member has a handful of bookings to come, as in a club. */
const members = 1_000
const connections = 16

interface Contender {
  readonly name: string
  readonly system: System
  readonly order: Omit<LoadOrder, "from" | "connections" | "seconds">
  readonly rounds: (LoadResult & Cost)[]
  from: number
}

export async function measureRules(
  bench: Bench,
  { short, progress }: { readonly short: boolean; readonly progress: (line: string) => void },
): Promise<Figure[]> {
  const load = startLineProcess(join(import.meta.dir, "load.ts"))
  const [rounds, seconds] = short ? [4, 2] : [9, 4]
  const contenders: Contender[] = []
  const ends: (() => unknown)[] = [load.end]
  try {
    const system = await startProgram({ url: bench.url, role: "server" })
    ends.push(() => system.end())
    contenders.push(await contender(bench, "a member, no rules", system, false))
    contenders.push(await contender(bench, "a member, all rules", system, true))
    const folder = process.env.SLOTBASE_BENCH_BEFORE
    if (folder !== undefined) {
      await bench.sql`create database before`
      const url = new URL(bench.url)
      url.pathname = "/before"
      const before = await startProgram({ url: url.href, role: "server", folder })
      ends.push(() => before.end())
      contenders.push(await contender(bench, "a member, the earlier program", before, false, url.href))
    }
    for (let n = -1; n < rounds; n++) {
      for (const each of n % 2 === 0 ? contenders : contenders.toReversed())
        await turn(bench, load, each, seconds, n < 0)
      if (n < 0) await bench.sql`vacuum (analyze)`
      else progress(`rules, round ${n + 1} of ${rounds}: ${contenders.map(shown).join(", ")}`)
    }
    const figures = contenders.map((each) => figureOf(each, contenders))
    const told = [await count(bench, "no rules", false), await count(bench, "all rules", true)]
    return [...figures, ...told]
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

async function contender(
  bench: Bench,
  name: string,
  system: System,
  ruled: boolean,
  url = bench.url,
): Promise<Contender> {
  const client = clientOf(system.address)
  const club = await makeClub(client, { courts })
  await openClub(client, club, ruled)
  const people = await makeMembers(url, club.facilityId)
  const port = Number(new URL(system.address).port)
  const order = {
    port,
    facilityId: club.facilityId,
    resourceIds: club.resourceIds,
    people,
    paymentMethod: "online",
  } as const
  return { name, system, order, rounds: [], from: 0 }
}

/**
 * Courts that cost nothing: a member's booking is confirmed at once. Every club has the rules that the earlier program
 * knows too.
 */
async function openClub(client: Client, club: Awaited<ReturnType<typeof makeClub>>, ruled: boolean): Promise<void> {
  const ok = ({ status, body }: { status: number; body: unknown }) => {
    if (status >= 300) throw new Error(`${status} ${JSON.stringify(body)}`)
  }
  for (const id of club.resourceIds) ok(await client.patch(`${club.at}/resources/${id}`, { hourlyPrice: 0 }))
  ok(await client.put(`${club.at}/booking-policy`, { ...knownRules, ...(ruled && newRules(club.resourceIds)) }))
  const weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday"]
  for (const [n, day] of weekdays.entries()) {
    const rule = { name: `Rule ${n}`, weekdays: [day], fromTime: "18:00", toTime: "22:00", hourlyPrice: 0 }
    ok(await client.post(`${club.at}/price-rules`, rule))
  }
  if (!ruled) return
  ok(
    await client.patch(`${club.at}/settings`, {
      taxMode: "exclusive",
      taxRates: { court: 810, coaching: 810, fee: 0 },
    }),
  )
  const questions = [1, 2, 3, 4, 5].map((n) => ({
    id: `q${n}`,
    label: `Question ${n}?`,
    type: "text",
    required: false,
  }))
  ok(await client.put(`${club.at}/booking-questions`, { questions }))
}

const knownRules = {
  advanceDays: 3_650,
  cancellationPolicy: [
    { hoursBefore: 24, refundPercent: 100 },
    { hoursBefore: 4, refundPercent: 50 },
  ],
  strikeThreshold: 3,
  restrictionDays: 14,
  checkInGraceMinutes: 15,
}

/** Every new rule is set, and none refuses: the cost is that of reading and judging. */
const newRules = (resourceIds: readonly string[]) => ({
  memberLimits: [
    { name: "Live", per: "live", atMost: 100 },
    { name: "At one time", per: "moment", atMost: 100 },
    { name: "A day", per: "day", atMost: 100 },
    { name: "A week", per: "week", atMost: 100 },
    {
      name: "Evenings",
      per: "week",
      atMost: 100,
      primeTime: {
        weekdays: ["monday", "tuesday", "wednesday", "thursday", "friday"],
        fromTime: "18:00",
        toTime: "22:00",
      },
    },
  ],
  holdPauseMinutes: 10,
  startGridMinutes: 30,
  minBookingMinutes: 30,
  maxBookingMinutes: 120,
  bookingStepMinutes: 30,
  buffers: [
    { minutes: 10, bookingType: "lesson" },
    ...resourceIds.slice(0, 9).map((resourceId) => ({ minutes: 15, resourceId, bookingType: "tournament" })),
  ],
})

/** By SQL: a thousand passwords would take a minute. */
async function makeMembers(url: string, facilityId: string): Promise<Person[]> {
  const sql = new Bun.SQL(url)
  const people = Array.from({ length: members }, () => ({ id: Bun.randomUUIDv7(), token: newToken("sbs") }))
  const rows = people.map(({ id, token }, n) => ({
    id,
    email: `member-${id}@example.com`,
    name: `Number ${n}`,
    hash: hashToken(token).toString("hex"),
  }))
  await sql`
    with p as materialized (
      select * from jsonb_to_recordset(${rows}::jsonb) as p (id uuid, email text, name text, hash text)
    ), u as (
      insert into slotbase.users (id, email, first_name, last_name) select id, email, 'Anna', name from p returning id
    ), g as (
      insert into slotbase.role_grants (user_id, role, scope_type, scope_id, granted_by)
      select id, 'player', 'facility', ${facilityId}::uuid, id from u
    )
    insert into slotbase.sessions (token_hash, user_id, expires_at)
    select decode(hash, 'hex'), id, now() + interval '1 day' from p`
  await sql.end()
  return people
}

async function turn(bench: Bench, load: LineProcess, each: Contender, seconds: number, warms: boolean): Promise<void> {
  const read = await meter(bench, [each.system.pid])
  const done = await load.ask<LoadResult>({ ...each.order, from: each.from, connections, seconds } satisfies LoadOrder)
  if (done.failures.length > 0) throw new Error(`${done.failures.length} bookings failed: ${done.failures[0]}`)
  each.from += done.bookings + connections
  if (!warms) each.rounds.push({ ...done, ...(await read()) })
}

const rateOf = ({ bookings, seconds }: LoadResult) => bookings / seconds
const cpuOf = ({ rounds }: Contender) =>
  median(rounds.map((each) => ((each.programCpuSeconds ?? 0) + (each.postgresCpuSeconds ?? 0)) / each.bookings))
const shown = ({ rounds }: Contender) => {
  const last = rounds.at(-1)
  return `${last ? Math.round(rateOf(last)) : 0}/s`
}

/** `cost`: times the CPU of a booking of the last contender, which is the earlier program if there is one. */
function figureOf(each: Contender, contenders: readonly Contender[]): Figure {
  const { name, rounds } = each
  const latencies = rounds.flatMap((one) => one.latencies).sort((a, b) => a - b)
  const base = process.env.SLOTBASE_BENCH_BEFORE === undefined ? contenders[0] : contenders.at(-1)
  return {
    name: `${name}, ${connections} connections`,
    eventsPerSecond: Math.round(median(rounds.map(rateOf))),
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    ...perEvent(rounds.map((one) => ({ events: one.bookings, cost: one }))),
    ...(base && {
      ratio: round(median(base.rounds.map(rateOf)) / median(rounds.map(rateOf))),
      cpuRatio: round(cpuOf(each) / cpuOf(base)),
    }),
  }
}

/** Statements and round trips of one booking. */
async function count(bench: Bench, name: string, ruled: boolean): Promise<Figure> {
  const proxy = await startCountingProxy(bench.url)
  const system = await startProgram({ url: proxy.url, role: "server" })
  try {
    const client = clientOf(system.address)
    const club = await makeClub(client, { courts: 1 })
    await openClub(client, club, ruled)
    const [person] = await makeMembers(bench.url, club.facilityId)
    const book = async (n: number) => {
      const body = { resourceId: club.resourceIds[0], paymentMethod: "online", ...atHour(n) }
      const answer = await fetch(`${system.address}${club.at}/bookings`, {
        method: "POST",
        headers: { authorization: `Bearer ${person?.token}`, "content-type": "application/json" },
        body: JSON.stringify(body),
      })
      if (answer.status !== 201) throw new Error(`booking ${n}: ${await answer.text()}`)
      await answer.text()
    }
    for (let n = 0; n < 40; n++) await book(n)
    proxy.take()
    for (let n = 40; n < 90; n++) await book(n)
    const { roundTrips, statements } = proxy.take()
    const own = [...statements].filter(([, times]) => times >= 50)
    return {
      name: `a member, ${name}, one at a time`,
      statements: round(own.reduce((sum, [, times]) => sum + times, 0) / 50),
      roundTrips: round(roundTrips / 50),
    } as Figure
  } finally {
    await system.end()
    proxy.stop()
  }
}
