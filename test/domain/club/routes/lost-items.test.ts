// Lost items: the rights to report and see them, and each handed out only once.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { newId } from "#base/ids.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { recordedBy, type SignedIn, signedIn, verdict } from "#test/harness/club/people.ts"

let api: TestApi
let facilityId: string
let people: Record<"staff" | "coach" | "player" | "parent" | "foreigner" | "stranger", SignedIn>

beforeAll(async () => {
  api = await testApi()
  facilityId = await api.facility()
  people = {
    staff: await signedIn(api, "staff", facilityId),
    coach: await signedIn(api, "coach", facilityId),
    player: await signedIn(api, "player", facilityId),
    parent: await signedIn(api, "parent", facilityId),
    foreigner: await signedIn(api, "facility_owner", await api.facility()),
    stranger: await signedIn(api),
  }
})
afterAll(() => api.database.drop())

const bottle = { description: "Blue bottle with a fox", category: "bottle", foundLocation: "Court 1, bench" }
const at = (path = "") => `/v1/facilities/${facilityId}/lost-items${path}`
const report = (by: SignedIn, body: object = bottle) => api.call("POST", at(), { token: by.token, body })
const claim = (by: SignedIn, id: string, body: object = {}) =>
  api.call("POST", at(`/${id}/claim`), { token: by.token, body })

test("players, coaches and staff report found items; parents and strangers do not", async () => {
  const made = await report(people.player)
  expect(made.status).toBe(201)
  const { id } = made.body
  expect(made.body).toEqual({
    id: expect.any(String),
    facilityId,
    status: "found",
    ...bottle,
    reportedBy: people.player.id,
    reportedAt: expect.any(String),
    claimedBy: null,
    verifiedBy: null,
    claimedAt: null,
  })
  expect(await recordedBy(api, made.headers)).toEqual([
    {
      type: "lost_item.reported",
      facility_id: facilityId,
      organization_id: null,
      user_id: people.player.id,
      data: { itemId: id, facilityId, ...bottle, reportedBy: people.player.id },
    },
  ])
  const verdicts: Record<string, string> = {}
  for (const [name, person] of Object.entries(people)) verdicts[name] = verdict(await report(person))
  expect(verdicts).toEqual({
    staff: "201",
    coach: "201",
    player: "201",
    parent: "403 not_allowed",
    foreigner: "404 not_found",
    stranger: "404 not_found",
  })
})

test("only staff hand an item out, and are recorded for it", async () => {
  const { id } = (await report(people.coach)).body
  for (const [name, answer] of [
    ["coach", "403 not_allowed"],
    ["player", "403 not_allowed"],
    ["foreigner", "404 not_found"],
  ] as const) {
    expect(verdict(await claim(people[name], id))).toBe(answer)
  }
  const nobody = await claim(people.staff, id, { claimedBy: newId() })
  expect(nobody.body.errors).toEqual([{ path: "body.claimedBy", message: "names nobody" }])
  const byKey = await api.call("POST", at(`/${id}/claim`), { body: {} })
  expect(byKey.body.errors).toEqual([
    { path: "body.claimedBy", message: "Missing key: an API key must name the owner" },
  ])

  const claimed = await claim(people.staff, id, { claimedBy: people.player.id.toUpperCase() })
  expect(claimed.body).toMatchObject({
    status: "claimed",
    reportedBy: people.coach.id,
    claimedBy: people.player.id,
    verifiedBy: people.staff.id,
    claimedAt: expect.any(String),
  })
  expect(await recordedBy(api, claimed.headers)).toEqual([
    {
      type: "lost_item.claimed",
      facility_id: facilityId,
      organization_id: null,
      user_id: people.staff.id,
      data: { itemId: id, facilityId, claimedBy: people.player.id, verifiedBy: people.staff.id },
    },
  ])
  expect(verdict(await claim(people.staff, newId()))).toBe("404 not_found")
})

test("of two hand-outs at once one counts, and the other gets a conflict", async () => {
  const { id } = (await report(people.staff)).body
  const answers = await Promise.all(
    [people.player, people.coach].map((whose) => claim(people.staff, id, { claimedBy: whose.id })),
  )
  expect(answers.map(verdict).sort()).toEqual(["200", "409 item_claimed"])
  const events = await api.database.db`
    select 1 from slotbase.events where type = 'lost_item.claimed' and aggregate_id = ${id}`
  expect(events).toHaveLength(1)
})

test("staff see every item, members only open items without the finder, in pages from the newest", async () => {
  const racket = (await report(people.player, { ...bottle, category: "racket" })).body
  const gone = (await report(people.player, { ...bottle, category: "racket" })).body
  await claim(people.staff, gone.id)
  const list = async (by: SignedIn, query: string) => api.call("GET", at(query), { token: by.token })
  const ids = async (by: SignedIn, query: string) =>
    (await list(by, query)).body.data.map(({ id }: { id: string }) => id)
  expect(await ids(people.staff, "?category=racket")).toEqual([gone.id, racket.id])
  expect(await ids(people.staff, "?category=racket&status=claimed")).toEqual([gone.id])
  expect((await list(people.parent, "?category=racket")).body.data).toEqual([{ ...racket, reportedBy: null }])
  expect(verdict(await list(people.player, "?status=claimed"))).toBe("403 not_allowed")
  expect(await ids(people.staff, `?category=racket&to=${racket.reportedAt}`)).toEqual([])
  const first = await list(people.staff, "?limit=1&category=racket")
  expect(await ids(people.staff, `?category=racket&after=${first.body.next}`)).toEqual([racket.id])

  const read = async (by: SignedIn, id: string) => verdict(await api.call("GET", at(`/${id}`), { token: by.token }))
  expect([await read(people.staff, gone.id), await read(people.player, gone.id)]).toEqual(["200", "404 not_found"])
  expect([await read(people.parent, racket.id), await read(people.foreigner, racket.id)]).toEqual([
    "200",
    "404 not_found",
  ])
})
