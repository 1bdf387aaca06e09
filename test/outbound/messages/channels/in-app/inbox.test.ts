// Messages inside the program: their list, what was read, and the frames on their reader's channel.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { newId } from "#base/ids.ts"
import { record, transact } from "#events/outbox.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { verdict } from "#test/harness/club/people.ts"
import { liveServer } from "#test/harness/pipeline/live.ts"
import { context } from "#test/harness/pipeline/pipeline.ts"

let api: TestApi
let facilityId: string
beforeAll(async () => {
  api = await testApi()
  facilityId = await api.facility()
})
afterAll(() => api.database.drop())

/** A message for each person, recorded with the event that announces them. */
async function tell(people: readonly { id: string }[], title: string): Promise<string[]> {
  const eventId = newId()
  const rows = people.map(({ id }) => ({ notificationId: newId(), userId: id }))
  await transact(api.database.db, context, async (tx) => {
    for (const { notificationId, userId } of rows)
      await tx`
        insert into slotbase.notifications (id, facility_id, event_id, user_id, channel, type, template_id, priority, title, body,
                                            status, sent_at, data)
        values (${notificationId}, ${facilityId}, ${eventId}, ${userId}, 'in_app', 'booking.confirmed', 'booking-confirmation',
                'high', ${title}, 'Court 1 is yours.', 'sent', slotbase.now(), ${tx.json({ bookingId: eventId })})`
    record(tx, { type: "notification.created", facilityId, data: { eventId, notifications: rows } })
  })
  return rows.map(({ notificationId }) => notificationId)
}

const list = async (token: string, query = "") =>
  (await api.call("GET", `/v1/me/notifications${query}`, { token })).body
const titles = (body: { data: { title: string }[] }) => body.data.map(({ title }) => title)

test("the newest comes first, in pages, and only one's own", async () => {
  const [mia, noah] = [await api.person(), await api.person()]
  for (const title of ["one", "two", "three"]) await tell([mia], title)
  const [both] = await tell([mia, noah], "four")
  const all = await list(mia.token)
  expect([titles(all), all.next, all.unread]).toEqual([["four", "three", "two", "one"], null, 4])
  expect(all.data[0]).toEqual({
    id: both,
    facilityId,
    type: "booking.confirmed",
    title: "four",
    body: "Court 1 is yours.",
    data: { bookingId: expect.any(String) },
    createdAt: expect.any(String),
    readAt: null,
  })
  const first = await list(mia.token, "?limit=3")
  const rest = await list(mia.token, `?limit=3&after=${first.next}`)
  expect([titles(first), titles(rest), rest.next]).toEqual([["four", "three", "two"], ["one"], null])
  expect(titles(await list(noah.token))).toEqual(["four"])
})

test("one is read, or all up to one, or all, and the time of the first reading stays", async () => {
  const [mia, noah] = [await api.person(), await api.person()]
  const ids = []
  for (const title of ["one", "two", "three", "four"]) ids.push(...(await tell([mia], title)))
  const read = (id: string | undefined, token = mia.token) =>
    api.call("POST", `/v1/me/notifications/${id}/read`, { token })
  const upTo = (body: object, token = mia.token) => api.call("POST", "/v1/me/notifications/read", { token, body })
  const first = await read(ids[3])
  expect([first.status, first.body.readAt]).toEqual([200, expect.any(String)])
  expect((await read(ids[3])).body.readAt).toBe(first.body.readAt)
  expect(titles(await list(mia.token, "?unread=true"))).toEqual(["three", "two", "one"])
  expect((await upTo({ upTo: ids[1] })).body).toEqual({ read: 2, unread: 1 })
  expect(titles(await list(mia.token, "?unread=true"))).toEqual(["three"])
  expect((await upTo({})).body).toEqual({ read: 1, unread: 0 })
  expect((await upTo({})).body).toEqual({ read: 0, unread: 0 })
  expect(verdict(await read(ids[0], noah.token))).toBe("404 not_found")
  expect(verdict(await upTo({ upTo: ids[0] }, noah.token))).toBe("404 not_found")
  expect(verdict(await read("none"))).toBe("404 not_found")
  expect(verdict(await upTo({ upTo: "none" }))).toBe("422 invalid_input")
  expect(verdict(await api.call("GET", "/v1/me/notifications?unread=maybe", { token: mia.token }))).toBe(
    "422 invalid_input",
  )
  for (const [method, path] of [
    ["GET", ""],
    ["POST", "/read"],
    ["POST", `/${ids[0]}/read`],
  ] as const)
    expect(
      verdict(await api.call(method, `/v1/me/notifications${path}`, { body: method === "GET" ? undefined : {} })),
    ).toBe("403 not_allowed")
})

test("a browser gets a frame for each message, and after an absence those that it missed", async () => {
  const [mia, noah] = [await api.person(), await api.person()]
  const live = await liveServer(api.database.db)
  try {
    const channel = `user:${mia.id}:notifications`
    const client = await live.connect({ token: mia.token })
    client.send({ type: "subscribe", channel })
    const { position } = await client.next("subscribed")
    const [first] = await tell([mia, noah], "one")
    await live.pass()
    const frame = await client.next("notification")
    expect(frame as object).toEqual({
      type: "notification",
      channel,
      position: expect.stringMatching(/^\d+$/),
      epoch: expect.stringMatching(/^[0-9a-f]{16}$/),
      eventId: expect.any(String),
      payload: {
        notificationId: first,
        type: "booking.confirmed",
        title: "one",
        body: "Court 1 is yours.",
        data: { bookingId: expect.any(String) },
      },
    })
    const later = await live.connect({ token: mia.token })
    later.send({ type: "subscribe", channel, after: position })
    expect(await later.next("subscribed")).toMatchObject({ replayed: 1 })
    expect(await later.next("notification")).toEqual(frame)
    const stranger = await live.connect({ token: noah.token })
    stranger.send({ type: "subscribe", channel })
    expect(await stranger.next("error")).toMatchObject({ code: "forbidden" })
  } finally {
    await live.stop()
  }
})
