// Two facilities, people in every role of one of them, a parent and a child, and a thing of every kind. Things are made
// when needed, over HTTP, so that they are real.

import { newId, rootUserId } from "#base/ids.ts"
import { hashToken, newToken } from "#base/secrets.ts"
import { mirrorJobs } from "#operations/jobs/job-rows.ts"
import { type Answer, type TestApi, testApi } from "#test/harness/api/api.ts"
import { password } from "#test/harness/api/over-api.ts"
import { buildClub } from "#test/harness/club/build.ts"
import { aMember, bySql, type Person } from "#test/harness/club/club.ts"
import { aChildLink, aPerson, aRole } from "#test/harness/club/factories.ts"
import { atHour } from "#test/harness/club/hours.ts"
import type { OpenApi } from "#test/harness/openapi/document.ts"
import { countWrites } from "#test/harness/pipeline/writes.ts"
import { rootKey } from "#test/harness/setup/system.ts"
import type { callers, Letter } from "./callers.ts"

/** A facility that is open day and night. */
export interface Place {
  readonly id: string
  readonly court: string
  readonly otherCourt: string
  /** A person other than every caller; owns the things of "somebody". */
  readonly somebody: Person
  /** A coach other than every calling coach. */
  readonly coach: Person
  readonly staff: Person
}

export interface World {
  readonly api: TestApi
  readonly document: OpenApi
  readonly here: Place
  readonly elsewhere: Place
  readonly tokens: Readonly<Record<Letter, string | null>>
  /** The ids of the callers that have one. */
  readonly ids: Readonly<Record<keyof typeof callers, string>>
  /** The credentials for signing in. */
  readonly credentials: { readonly email: string; readonly password: string }
  /** The children of the caller R: one with every permission for R, and one with none. */
  readonly child: string
  readonly forbiddenChild: string
  /** Another hour that is still free on the courts. */
  readonly freeHour: () => { readonly startAt: string; readonly endAt: string }
  /** The number of rows written so far. */
  readonly written: () => Promise<number>
  readonly must: (method: string, path: string, body?: unknown, token?: string) => Promise<Answer["body"]>
}

/** The subject of a call: its facility and its owner. */
export interface Scene {
  readonly world: World
  readonly place: Place
  readonly caller: Letter
  /** The owner of the thing. */
  readonly whose: string
  /** The ids in the address, by parameter name. */
  readonly params: Readonly<Record<string, string>>
}

export async function makeWorld(): Promise<World> {
  const api = await testApi({ egressAllow: ["127.0.0.0/8"] })
  const { db } = api.database
  const here = await aPlace(api)
  const elsewhere = await aPlace(api)
  const inRole = (role: Parameters<typeof aMember>[1], place = here) => aMember(db, role, place.id)
  const people = {
    O: await inRole("facility_owner"),
    A: await inRole("facility_admin"),
    S: await inRole("staff"),
    C: await inRole("coach"),
    M: await inRole("player"),
    R: await inRole("parent"),
    X: await inRole("facility_owner", elsewhere),
    Z: await inRole("player", elsewhere),
  }
  await db`delete from slotbase.role_grants where user_id = ${people.Z.id}`
  const key = await aKey(api, here.id)
  const child = async (permissions: string[]) => {
    const { id } = await aPerson(db, { firstName: "Ida" })
    await aRole(db, id, "player", here.id)
    await aChildLink(db, { parent: people.R.id, child: id, permissions }, { relationship: "father" })
    return id
  }
  await mirrorJobs(db, [
    {
      name: "hold-expiration",
      description: "Release dead holds",
      cron: "* * * * *",
      timezone: "UTC",
      in_facility: true,
      per_facility: false,
      missed: "once",
    },
    {
      name: "daily-reports",
      description: "Generate daily reports for facilities",
      cron: "0 6 * * *",
      timezone: "local",
      in_facility: true,
      per_facility: true,
      missed: "once",
    },
  ])
  let hour = 24
  const tokenOf = Object.fromEntries(Object.entries(people).map(([letter, person]) => [letter, person.token]))
  const idOf = Object.fromEntries(Object.entries(people).map(([letter, person]) => [letter, person.id]))
  return {
    api,
    document: (await api.call("GET", "/openapi/json", { token: null })).body,
    here,
    elsewhere,
    tokens: { ...tokenOf, P: rootKey, K: key.token, N: null } as World["tokens"],
    ids: { ...idOf, P: rootUserId, K: key.userId, N: newId() } as World["ids"],
    credentials: { email: (await api.person()).email, password },
    child: await child(["book", "pay", "view_feedback"]),
    forbiddenChild: await child([]),
    freeHour: () => atHour(hour++),
    written: await countWrites(db),
    async must(method, path, body, token = rootKey) {
      const answer = await api.call(method, path, { token, ...(body !== undefined && { body }) })
      if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
      return answer.body
    },
  }
}

/** The facility is made by a request, for its defaults. */
const aPlace = ({ database: { db }, builder }: TestApi): Promise<Place> =>
  buildClub(
    { ...bySql(db), facility: builder.facility },
    { courts: ["court", "otherCourt"], people: { somebody: "player", coach: "coach", staff: "staff" } },
  )

/** A key of the facility with the role of staff. */
async function aKey(api: TestApi, facilityId: string): Promise<{ userId: string; token: string }> {
  const { db } = api.database
  const [userId, token] = [newId(), newToken("sbk")]
  await db`insert into slotbase.users (id, kind, first_name, last_name) values (${userId}, 'api_key', 'Till', 'API key')`
  await aRole(db, userId, "staff", facilityId)
  await db`
    insert into slotbase.api_keys (id, facility_id, user_id, name, role, key_hash, key_hint, created_by)
    values (${newId()}, ${facilityId}, ${userId}, 'Till', 'staff', ${hashToken(token)}, 'sbk', ${rootUserId})`
  return { userId, token }
}
