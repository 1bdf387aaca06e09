// The audit trail over HTTP: who reads which part of it, what its rows say, and the sign-ins.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { newId, platformFacilityId } from "#base/ids.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { password } from "#test/harness/api/over-api.ts"
import { aMember, type Person } from "#test/harness/club/club.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { rootKey } from "#test/harness/setup/system.ts"

let api: TestApi
let here: string
let elsewhere: string
let admin: Person
let staff: Person
let stranger: Person

beforeAll(async () => {
  api = await testApi({ egressAllow: ["127.0.0.0/8"] })
  const { db } = api.database
  here = await api.facility()
  elsewhere = await api.facility()
  admin = await aMember(db, "facility_admin", here)
  staff = await aMember(db, "staff", here)
  stranger = await aMember(db, "facility_admin", elsewhere)
})
afterAll(() => api.database.drop())

const at = (path: string) => `/v1/facilities/${here}/${path}`
const trail = async (query = "", token: string | undefined = admin.token) =>
  (await api.call("GET", at(`audit-log${query}`), { token })).body.data
const must = async (method: string, path: string, body?: unknown, token = admin.token) => {
  const answer = await api.call(method, path, { token, ...(body !== undefined && { body }) })
  if (answer.status >= 300) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`)
  return answer
}

describe("a row", () => {
  test("has the actor, the request and the fields that changed", async () => {
    const correlationId = newId()
    const answer = await api.call("PATCH", at("settings"), {
      token: admin.token,
      body: { name: "Lakeside", slotMinutes: 30 },
      headers: { "x-correlation-id": correlationId, "user-agent": "console/1\u009b2J\u007f" },
    })
    expect(answer.status).toBe(200)
    const [row] = await trail("?action=facility.settings_changed")
    expect(row).toEqual({
      id: expect.any(String),
      at: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T/),
      facilityId: here,
      organizationId: null,
      action: "facility.settings_changed",
      subjectType: "facility",
      subjectId: here,
      actorId: admin.id,
      actorName: "Mia Keller",
      actorKind: "person",
      databaseUser: null,
      apiKeyId: null,
      clientAddress: null,
      userAgent: "console/1 2J ",
      correlationId,
      method: "PATCH",
      route: "/v1/facilities/:facilityId/settings",
      before: { name: expect.any(String), slotMinutes: 60 },
      after: { name: "Lakeside", slotMinutes: 30 },
    })
  })

  test("names the key with which a request was made", async () => {
    const key = (await must("POST", at("api-keys"), { name: "Sync", role: "facility_admin" })).body
    const { id } = (await must("POST", at("resources"), { name: "Court 7", resourceType: "court" }, key.key)).body
    expect(await trail(`?subjectId=${id}`)).toMatchObject([
      { action: "resource.created", actorId: key.userId, actorName: "Sync", actorKind: "api_key", apiKeyId: key.id },
    ])
  })

  const webhook = {
    name: "Board",
    url: "http://127.0.0.1:8009/hook?token=hush",
    authType: "signature",
    events: ["user.created"],
  }
  test("of a webhook shows no secret, and that the secret was replaced", async () => {
    const made = (await must("POST", at("webhooks"), webhook)).body
    const signingSecret = made.authConfig.signingSecret as string
    const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`
    const another = { authConfig: { signingSecret: secret }, isActive: false }
    await must("PATCH", at(`webhooks/${made.id}`), another)
    await must("PATCH", at(`webhooks/${made.id}`), { isActive: false })
    await must("DELETE", at(`webhooks/${made.id}`))
    const rows = await trail(`?subjectId=${made.id}`)
    expect(rows.map(({ action }: { action: string }) => action)).toEqual([
      "webhook.deleted",
      "webhook.changed",
      "webhook.created",
    ])
    expect(rows[1]).toMatchObject({ before: { isActive: true }, after: { isActive: false, authConfig: "[secret]" } })
    expect(rows[0]).toMatchObject({ before: { name: "Board", isActive: false }, after: null })
    for (const hidden of [signingSecret, secret]) expect(JSON.stringify(rows)).not.toContain(hidden)
    expect(JSON.stringify(rows)).not.toContain("hush")
  })

  test("is not written by a request that changes nothing, fails, or is repeated under its key", async () => {
    const { id } = (await must("POST", at("resources"), { name: "Court 8", resourceType: "court" })).body
    await must("PATCH", at(`resources/${id}`), { name: "Court 8" })
    expect((await api.call("PATCH", at(`resources/${id}`), { token: staff.token, body: { name: "x" } })).status).toBe(
      403,
    )
    expect(await trail(`?subjectId=${id.toUpperCase()}`)).toHaveLength(1)
    const headers = { "idempotency-key": "once" }
    const rule = { name: "Evening", bookingType: "maintenance", hourlyPrice: 1 }
    const again = () => api.call("POST", at("price-rules"), { token: admin.token, body: rule, headers })
    const [first, second] = [await again(), await again()]
    expect([first.status, second.status, second.body.id]).toEqual([201, 201, first.body.id])
    expect(await trail(`?subjectId=${first.body.id}`)).toHaveLength(1)
    const failing = () =>
      api.call("POST", at("price-rules"), {
        token: admin.token,
        body: { ...rule, resourceId: newId() },
        headers: { "idempotency-key": "failing" },
      })
    const before = (await trail()).length
    expect([(await failing()).status, (await failing()).status]).toEqual([422, 422])
    expect(await trail()).toHaveLength(before)
  })
})

describe("a change of settings has its values before and after:", () => {
  const changes: [action: string, method: string, path: string, body: object, before: object, after: object][] = [
    [
      "booking_policy.changed",
      "PUT",
      "booking-policy",
      { advanceDays: 14 },
      { advanceDays: null },
      { advanceDays: 14 },
    ],
    [
      "reminder_settings.changed",
      "PUT",
      "reminder-settings",
      { remind24h: false, remind1h: true, customMinutes: 90 },
      { remind24h: true, customMinutes: null },
      { remind24h: false, customMinutes: 90 },
    ],
  ]
  test.each(changes)("%s", async (action, method, path, body, before, after) => {
    await must(method, at(path), body)
    await must(method, at(path), body)
    expect(await trail(`?action=${action}`)).toMatchObject([{ before, after, actorId: admin.id }])
  })

  test("resource.changed, coach_profile.changed, price_rule.deleted, closure.removed", async () => {
    const { id } = (await must("POST", at("resources"), { name: "Court 9", resourceType: "court" })).body
    await must("PATCH", at(`resources/${id}`), { hourlyPrice: 100 })
    expect((await trail(`?subjectId=${id}`))[0]).toMatchObject({
      before: { hourlyPrice: 0 },
      after: { hourlyPrice: 100 },
    })

    const coach = await aMember(api.database.db, "coach", here)
    await must("PUT", at(`coaches/${coach.id}`), { sports: ["tennis"], bio: "Serve first." })
    expect(await trail(`?subjectId=${coach.id}`)).toMatchObject([
      {
        action: "coach_profile.changed",
        before: { bio: "", sports: [] },
        after: { bio: "Serve first.", sports: ["tennis"] },
      },
    ])

    const rule = (await must("POST", at("price-rules"), { name: "Late", resourceId: id, hourlyPrice: 5 })).body
    await must("DELETE", at(`price-rules/${rule.id}`))
    expect((await trail(`?subjectId=${rule.id}`))[0]).toMatchObject({
      before: { name: "Late", hourlyPrice: 5 },
      after: null,
    })

    const closure = (await must("POST", at("closures"), { reason: "Repair", resourceIds: [id], ...atHour(99) })).body
    await must("DELETE", at(`closures/${closure.id}`))
    expect((await trail(`?subjectId=${closure.id}`))[0]).toMatchObject({ before: { reason: "Repair" }, after: null })
  })

  test("roles, of a facility and of an organization", async () => {
    // Members get a role at once, and others an invitation.
    const person = await aMember(api.database.db, "player", here)
    const role = { role: "coach", scopeType: "facility", scopeId: here }
    const path = `/v1/users/${person.id}/roles`
    await must("POST", path, role)
    await must("POST", path, role)
    await must("DELETE", `${path}?role=coach&scopeType=facility&scopeId=${here}`)
    expect(await trail(`?subjectId=${person.id}`)).toMatchObject([
      { action: "role.revoked", subjectType: "user", before: role, after: null },
      { action: "role.given", subjectType: "user", before: null, after: role },
    ])
    const { body: organization } = await api.call("POST", "/v1/organizations", { body: { name: "City Sports" } })
    const above = { role: "staff", scopeType: "organization", scopeId: organization.id }
    await api.call("POST", path, { body: above })
    expect((await api.call("GET", `/v1/organizations/${organization.id}/audit-log`)).body.data).toMatchObject([
      { action: "role.given", facilityId: platformFacilityId, organizationId: organization.id, after: above },
      { action: "organization.created", organizationId: organization.id },
    ])
    expect(await trail(`?subjectId=${person.id}`)).toHaveLength(2)
  })
})

describe("what staff do for members is recorded, and what members do for themselves is not:", () => {
  test("a cancellation, and a booking free of charge", async () => {
    const member = await aMember(api.database.db, "player", here)
    const court = (await must("POST", at("resources"), { name: "Court 10", resourceType: "court", hourlyPrice: 1000 }))
      .body.id
    const book = async (hour: number, paymentMethod: string) =>
      (
        await must(
          "POST",
          at("bookings"),
          { resourceId: court, bookerId: member.id, paymentMethod, ...atHour(hour) },
          staff.token,
        )
      ).body.id as string
    const [own, theirs, free] = [await book(200, "offline"), await book(201, "offline"), await book(202, "waived")]
    const reason = { cancellationReason: "rain" }
    await must("POST", at(`bookings/${own}/cancel`), reason, member.token)
    await must("POST", at(`bookings/${theirs}/cancel`), { dryRun: true }, staff.token)
    const forStaff = { resourceId: court, bookerId: staff.id, paymentMethod: "waived", ...atHour(203) }
    const ownFree = (await must("POST", at("bookings"), forStaff, staff.token)).body.id
    expect(await trail(`?subjectId=${ownFree}`)).toEqual([])
    await must("POST", at(`bookings/${theirs}/cancel`), reason, staff.token)
    expect(await trail(`?subjectId=${own}`)).toEqual([])
    expect(await trail(`?subjectId=${theirs}`)).toMatchObject([{ action: "booking.cancelled", actorId: staff.id }])
    expect(await trail(`?subjectId=${free}`)).toMatchObject([
      { action: "booking.waived", actorId: staff.id, after: { price: 1000, currency: "EUR" } },
    ])
  })
})

describe("the list", () => {
  test("shows an administrator the rows of their own facility alone", async () => {
    await must("POST", `/v1/facilities/${elsewhere}/resources`, { name: "Far", resourceType: "court" }, stranger.token)
    expect(new Set((await trail("?limit=200")).map((row: { facilityId: string }) => row.facilityId))).toEqual(
      new Set([here]),
    )
    const refused = async (token: string, path: string) => (await api.call("GET", path, { token })).status
    expect(await refused(stranger.token, at("audit-log"))).toBe(404)
    expect(await refused(staff.token, at("audit-log"))).toBe(403)
    expect(await refused(admin.token, "/v1/audit-log")).toBe(403)
    expect(await refused(admin.token, "/v1/sign-ins")).toBe(403)
    const all = (await api.call("GET", "/v1/audit-log?limit=200")).body.data
    expect(all.map((row: { facilityId: string }) => row.facilityId)).toContain(elsewhere)
  })

  test("comes page by page, the newest first, without a gap or a repetition", async () => {
    const whole = await trail("?limit=200")
    const seen: unknown[] = []
    let next: string | null = ""
    while (next !== null) {
      const { body } = await api.call("GET", at(`audit-log?limit=3${next && `&after=${next}`}`), { token: admin.token })
      seen.push(...body.data)
      next = body.next
    }
    expect(whole.length).toBeGreaterThan(10)
    expect(seen).toEqual(whole)
    expect(whole.map(({ id }: { id: string }) => id)).toEqual(
      whole
        .map(({ id }: { id: string }) => id)
        .toSorted()
        .reverse(),
    )
  })

  test("is limited by action, actor and time", async () => {
    const whole = await trail("?limit=200")
    const middle = whole[5]
    const since = await trail(`?limit=200&since=${middle.at}`)
    const until = await trail(`?limit=200&until=${middle.at}`)
    expect([...since, ...until]).toEqual(whole)
    expect(since).toContainEqual(middle)
    const byStaff = await trail(`?actorId=${staff.id}`)
    expect(byStaff.length).toBeGreaterThan(0)
    expect(byStaff).toEqual(whole.filter(({ actorId }: { actorId: string }) => actorId === staff.id))
    expect((await api.call("GET", at("audit-log?action=webhook.opened"))).status).toBe(422)
  })
})

describe("sign-ins", () => {
  const signIn = (email: string, given: string) =>
    api.server.handle(
      new Request("http://slotbase.test/v1/sessions", {
        method: "POST",
        headers: { "content-type": "application/json", "user-agent": "phone" },
        body: JSON.stringify({ email, password: given }),
      }),
    )

  test("right and wrong ones are there for their person, and for nobody else of a facility", async () => {
    const person = await api.person()
    const other = await api.person()
    for (const given of ["wrong one", "wrong two"]) expect((await signIn(person.email, given)).status).toBe(401)
    const { token } = (await (await signIn(person.email, password)).json()) as { token: string }
    const own = (await api.call("GET", "/v1/me/sign-ins?limit=2", { token })).body
    expect(own.data).toEqual([
      {
        id: expect.any(String),
        userId: person.id,
        outcome: "succeeded",
        tries: 1,
        firstAt: expect.any(String),
        lastAt: expect.any(String),
        clientAddress: null,
        userAgent: "phone",
      },
      expect.objectContaining({ userId: person.id, outcome: "failed", tries: 2, userAgent: null }),
    ])
    const others = (await api.call("GET", "/v1/me/sign-ins?outcome=failed", { token: other.token })).body.data
    expect(others).toEqual([])
    expect(await trail("?action=session.created")).toEqual([])
    const all = (await api.call("GET", `/v1/sign-ins?userId=${person.id}&outcome=failed`)).body.data
    expect(all).toMatchObject([{ tries: 2 }])
  })

  test("of an account that nobody has leave a count, and not what was typed", async () => {
    const typed = "nobody-at-all@example.com"
    expect((await signIn(typed, "wrong")).status).toBe(401)
    const rows = (await api.call("GET", "/v1/sign-ins?outcome=failed&limit=200")).body.data
    expect(rows).toContainEqual(expect.objectContaining({ userId: null }))
    const [kept] = await api.database.db`
      select count(*) as found from slotbase.failed_sign_ins f where to_jsonb(f)::text like ${`%${typed}%`}`
    expect(kept?.found).toBe(0)
  })

  test("are counted by outcome in the metrics", async () => {
    const counted = async () => {
      const text = await (
        await api.server.handle(
          new Request("http://slotbase.test/metrics", {
            headers: { authorization: `Bearer ${rootKey}` },
          }),
        )
      ).text()
      return Number(/^slotbase_sign_ins_total\{outcome="failed"\} (\d+)$/m.exec(text)?.[1] ?? 0)
    }
    const before = await counted()
    await signIn("nobody-at-all@example.com", "wrong")
    expect(await counted()).toBe(before + 1)
  })
})

test("a page of the longest rows has fewer of them than asked for, and says how to go on", async () => {
  const { db } = api.database
  const facilityId = await api.facility()
  const action = "webhook.changed"
  const values = { text: "x".repeat(32_000) }
  await db`
    insert into slotbase.audit_log (id, facility_id, at, actor_id, actor_kind, action, subject_type, subject_id, before, after)
    select gen_random_uuid(), ${facilityId}, slotbase.now(), ${admin.id}, 'person', ${action}, 'test', n, ${db.json(values)},
           ${db.json(values)}
    from generate_series(1, 100) n`
  const page = async (after: string) =>
    (await api.call("GET", `/v1/facilities/${facilityId}/audit-log?limit=200&action=${action}${after}`)).body
  const first = await page("")
  expect(first.data).toHaveLength(65)
  expect(first.data[0].before).toEqual(values)
  const second = await page(`&after=${first.next}`)
  expect([second.data.length, second.next]).toEqual([35, null])
  expect(new Set([...first.data, ...second.data].map(({ subjectId }) => subjectId)).size).toBe(100)
})
