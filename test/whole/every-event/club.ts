// A club for each row of the table, made over HTTP: always open, in UTC, with a court at 2400 an hour. One request to
// the club, or one run of a job, is the row's operation. The events from there on are the row's story.

import { jobsUserId, newId, platformFacilityId, rootUserId } from "#base/ids.ts"
import type { EventType } from "#events/catalogue.ts"
import type { Answer } from "#test/harness/api/api.ts"
import { atMinuteOf } from "#test/harness/club/bookings.ts"
import { buildClub } from "#test/harness/club/build.ts"
import { answerOf } from "#test/harness/club/feedback-club.ts"
import type { Person, World } from "./world.ts"

type Json = Answer["body"]
export type Data = Readonly<Record<string, unknown>>

export interface Told {
  readonly id: string
  readonly type: EventType
  readonly user_id: string | null
  readonly correlation_id: string
  readonly causation_id: string | null
  readonly data: Data
}

export async function aClubOfItsOwn(world: World) {
  const { api, db } = world
  /** The operation's correlation id; each request before it has another one. */
  const correlation = newId()
  let mark: number | undefined
  let by: Person | null | undefined
  let byJob = false

  /**
   * Undefined: the root key. Null: no credentials. A path below /v1 is used as it is, any other path is relative to the
   * club.
   */
  async function send(who: Person | null | undefined, method: string, path: string, body: unknown, headers: object) {
    const url = path.startsWith("/v1/") ? path : `/v1/facilities/${id}${path}`
    const answer =
      body instanceof FormData
        ? await answerOf(await api.server.handle(upload(who, url, body, headers)))
        : await api.call(method, url, { ...tokenOf(who), body, headers: { ...headers } })
    if (answer.status >= 300) throw new Error(`${method} ${url}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body as Json
  }
  const call = (who: Person | undefined, method: string, path: string, body?: unknown): Promise<Json> =>
    send(who, method, path, body, {})

  async function operate<T>(operation: () => Promise<T>): Promise<T> {
    if (mark !== undefined) throw new Error("a row has one operation")
    mark = await world.dispatch()
    return operation()
  }

  const { id, court } = await buildClub(api.builder, {
    facility: { sportTypes: ["tennis"], ownerId: world.owner.id },
    courts: ["court"],
  })
  // One coach plays in all of these clubs at the same hours. The stories before this one are over.
  await db`delete from slotbase.coach_occupancies`
  const grant = (person: Person, role: string) =>
    call(undefined, "POST", `/v1/users/${person.id}/roles`, { role, scopeType: "facility", scopeId: id })
  await Promise.all([
    grant(world.staff, "staff"),
    grant(world.coach, "coach"),
    grant(world.player, "player"),
    grant(world.friend, "player"),
  ])

  return {
    ...world,
    id,
    court,
    correlation,
    call,
    /** The row's operation. */
    act(who: Person | null | undefined, method: string, path: string, body?: unknown): Promise<Json> {
      by = who
      return operate(() => send(who, method, path, body, { "x-correlation-id": correlation }))
    },
    /** A run of a job as the operation: for this club, or for all clubs where a job cannot run for one. */
    async run(job: string, how: "here" | "everywhere" = "here"): Promise<void> {
      byJob = true
      const url = how === "here" ? `/jobs/${job}/run?wait=20` : `/v1/jobs/${job}/run?wait=20`
      const run = await operate(() => call(undefined, "POST", url, {}))
      if (run.status !== "succeeded") throw new Error(`${job}: ${JSON.stringify(run)}`)
    },
    /** Runs the work this many minutes after the start of an hour. */
    at: <T>(hour: number, minutes: number, work: () => Promise<T>): Promise<T> => atMinuteOf(db, hour, minutes, work),
    /** Runs the work at a future instant. */
    async later<T>(instant: string, work: () => Promise<T>): Promise<T> {
      const [{ by }] = await db<[{ by: number }]>`
        select ceil(extract(epoch from ${instant}::timestamptz - slotbase.now()))::float8 as by`
      await db`select slotbase.move_clock(make_interval(secs => ${by}))`
      try {
        return await work()
      } finally {
        await db`select slotbase.move_clock(make_interval(secs => ${-by}))`
      }
    },
    isByJob: () => byJob,
    /** The actor of the operation. Without credentials it is unknown beforehand. */
    actor: () => (byJob ? jobsUserId : by === undefined ? rootUserId : by?.id),
    /** Every event recorded from the operation on, in log order, in this club and everywhere else. */
    async story(): Promise<readonly Told[]> {
      await world.react()
      return [
        ...(await db<Told[]>`
          select e.id, e.type, e.user_id, e.correlation_id, e.causation_id, e.data
          from slotbase.event_positions p join slotbase.events e on e.id = p.event_id
          where p.position > ${mark ?? 0} and (e.facility_id in (${id}, ${platformFacilityId}) or e.correlation_id = ${correlation})
          order by p.position`),
      ]
    },
  }
}
export type Club = Awaited<ReturnType<typeof aClubOfItsOwn>>

const tokenOf = (who: Person | null | undefined) => who !== undefined && { token: who === null ? null : who.token }

const upload = (who: Person | null | undefined, url: string, body: FormData, headers: object) =>
  new Request(`http://slotbase.test${url}`, {
    method: "POST",
    body,
    headers: { authorization: `Bearer ${who?.token}`, ...headers },
  })
