// The waitlist over HTTP: the order of joining, offers in the transaction that frees the slot, answers, and races.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { newId } from "#base/ids.ts"
import { maxLiveWishes } from "#domain/booking/waitlist/waitlist.ts"
import { createHooks } from "#hooks/create-hooks.ts"
import { refusalOf } from "#test/harness/api/booking-api.ts"
import { atHour, hoursFrom } from "#test/harness/club/hours.ts"
import { makeWaitlist, type Waitlist } from "#test/harness/club/waitlist.ts"

let list: Waitlist
let hour = 24

beforeAll(async () => {
  list = await makeWaitlist()
})
afterAll(() => list.api.database.drop())
beforeEach(() => {
  hour += 4
})
afterEach(async () => {
  await list.db`update slotbase.clock set shift = '0'`
})

const codeOf = ({ status, body }: { status: number; body: { code?: string } }) => [status, body.code]
const statusOf = async (id: string): Promise<string> => (await list.entry(id)).status

describe("an offer", () => {
  test("is made in the transaction of the cancellation, and becomes a booking when it is accepted", async () => {
    const { ana, its } = list
    const booking = await list.taken(hour)
    const joined = await list.wait(ana, hour, { participants: [{ userId: its.player.id }] })
    expect(joined.status).toBe(201)
    const id = joined.body.id
    const wish = {
      entryId: id,
      facilityId: its.facilityId,
      bookerId: ana.id,
      resourceId: its.court,
      ...atHour(hour),
    }
    expect(await list.eventsOf(joined)).toEqual([
      { type: "waitlist.joined", data: { ...wish, joinedAt: joined.body.joinedAt } },
    ])
    expect(joined.body).toMatchObject({ status: "waiting", offer: null, bookerName: "Mia Keller", offerMinutes: 15 })

    const cancelled = await list.cancel(booking)
    const entry = await list.entry(id)
    const { offer } = entry
    expect(entry.status).toBe("offered")
    expect(Date.parse(offer.expiresAt) - Date.parse(offer.offeredAt)).toBeWithin(14 * 60_000, 15 * 60_000 + 1)
    const offered = { ...wish, bookingId: offer.bookingId }
    const [, held, announced] = await list.eventsOf(cancelled)
    expect((await list.eventsOf(cancelled)).map(({ type }) => type)).toEqual([
      "booking.cancelled",
      "booking.hold.created",
      "waitlist.offered",
    ])
    expect(held?.data).toMatchObject({ bookingId: offer.bookingId, userId: ana.id, expiresAt: offer.expiresAt })
    expect(announced?.data).toEqual({
      ...offered,
      priceAmount: 2400,
      priceCurrency: "EUR",
      offeredAt: offer.offeredAt,
      expiresAt: offer.expiresAt,
    })

    const accepted = await list.accept(id)
    expect(accepted.body).toMatchObject({ status: "accepted", offer: { status: "confirmed", expiresAt: null } })
    const events = await list.eventsOf(accepted)
    expect(events.map(({ type }) => type)).toEqual(["booking.confirmed", "waitlist.accepted"])
    expect(events[0]?.data).toMatchObject({
      bookingId: offer.bookingId,
      bookerId: ana.id,
      paymentMethod: "offline",
      participants: [{ userId: its.player.id, name: "Mia Keller", role: "player" }],
    })
    expect(events[1]?.data).toEqual({ ...offered, acceptedAt: accepted.body.endedAt })
  })

  test("accepted online stays held, with a fresh time to pay", async () => {
    const booking = await list.taken(hour)
    const id = await list.waiting(list.ana, hour)
    await list.cancel(booking)
    expect(codeOf(await list.accept(id, "offline", list.ana.token))).toEqual([403, "not_allowed"])
    const accepted = await list.accept(id, "online", list.ana.token)
    expect(accepted.body).toMatchObject({ status: "accepted", offer: { status: "held" } })
    expect(Date.parse(accepted.body.offer.expiresAt) - Date.now()).toBeWithin(4 * 60_000, 5 * 60_000 + 1000)
    expect((await list.eventsOf(accepted)).map(({ type }) => type)).toEqual(["waitlist.accepted"])
    const held = await list.api.call("GET", `${list.at}/bookings/${accepted.body.offer.bookingId}`)
    expect(held.body).toMatchObject({ status: "held", paymentMethod: "online", bookerId: list.ana.id })
  })

  test("passes to the next in the order of joining: after a decline, a departure and an expiry", async () => {
    const booking = await list.taken(hour)
    const first = await list.waiting(list.ana, hour)
    const second = await list.waiting(list.ben, hour)
    const third = await list.waiting(list.cleo, hour)
    await list.cancel(booking)
    expect(await Promise.all([first, second, third].map(statusOf))).toEqual(["offered", "waiting", "waiting"])

    const declined = await list.decline(first, list.ana.token)
    expect(declined.body).toMatchObject({ id: first, status: "declined", offer: { status: "released" } })
    expect((await list.eventsOf(declined)).map(({ type, data }) => [type, data.entryId ?? data.reason])).toEqual([
      ["booking.hold.released", "released"],
      ["waitlist.declined", first],
      ["booking.hold.created", undefined],
      ["waitlist.offered", second],
    ])
    await list.api.call("DELETE", `${list.at}/waitlist/${second}`, { token: list.ben.token })
    expect(await Promise.all([first, second, third].map(statusOf))).toEqual(["declined", "declined", "offered"])

    await list.pass(16)
    expect(await statusOf(third)).toBe("expired")
    expect(codeOf(await list.accept(third))).toEqual([409, "offer_expired"])
    expect(await list.expire()).toBeGreaterThan(0)
    expect(await list.eventsAbout(third)).toEqual(["waitlist.joined", "waitlist.offered", "waitlist.expired"])
    expect(await statusOf(third)).toBe("expired")
  })

  test("that has expired is settled by the newcomer that takes its slot, before the next in line", async () => {
    const booking = await list.taken(hour, 2)
    const dead = await list.waiting(list.ana, hour, {}, 2)
    const same = await list.waiting(list.ben, hour)
    const rest = await list.waiting(list.cleo, hour + 1)
    await list.cancel(booking)
    expect(await Promise.all([dead, same, rest].map(statusOf))).toEqual(["offered", "waiting", "waiting"])
    await list.pass(16)
    expect(await list.taken(hour)).toBeString()
    expect(await Promise.all([dead, same, rest].map(statusOf))).toEqual(["expired", "waiting", "offered"])
    expect(await list.eventsAbout(dead)).toEqual(["waitlist.joined", "waitlist.offered", "waitlist.expired"])
  })

  test("can also be confirmed and released by the routes of holds, and the waitlist follows", async () => {
    const [one, other] = [await list.taken(hour), await list.taken(hour + 1)]
    const [confirmed, released] = [await list.waiting(list.ana, hour), await list.waiting(list.ben, hour + 1)]
    await list.cancel(one)
    await list.cancel(other)
    const holdOf = async (id: string) => (await list.entry(id)).offer.bookingId
    const path = `${list.at}/bookings/${await holdOf(confirmed)}/confirm`
    await list.api.call("POST", path, { body: { paymentMethod: "waived" } })
    await list.api.call("DELETE", `${list.at}/holds/${await holdOf(released)}`, { token: list.ben.token })
    expect(await list.eventsAbout(confirmed)).toEqual(["waitlist.joined", "waitlist.offered", "waitlist.accepted"])
    expect(await list.eventsAbout(released)).toEqual(["waitlist.joined", "waitlist.offered", "waitlist.declined"])
  })

  test("is made for a wish that is wholly free, on any resource of its type", async () => {
    const anotherCourt = (
      await list.api.call("POST", `${list.at}/resources`, {
        body: { name: "Hall 2", resourceType: "hall", hourlyPrice: 100 },
      })
    ).body.id
    const one = await list.taken(hour, 1, anotherCourt)
    const two = await list.taken(hour + 1, 1, anotherCourt)
    const wish = { resourceId: undefined, resourceType: "hall" }
    const id = await list.waiting(list.ana, hour, wish, 2)
    await list.cancel(one)
    expect(await statusOf(id)).toBe("waiting")
    await list.cancel(two)
    expect(await list.entry(id)).toMatchObject({
      status: "offered",
      resourceType: "hall",
      resourceId: null,
      offer: { resourceId: anotherCourt, priceAmount: 200 },
    })
  })

  test("is not made to a person without the right to book: the next one gets it", async () => {
    const leaver = await list.api.person("player", list.its.facilityId)
    const booking = await list.taken(hour)
    const gone = await list.waiting(leaver, hour)
    const next = await list.waiting(list.ben, hour)
    await list.db`delete from slotbase.role_grants where user_id = ${leaver.id}`
    await list.cancel(booking)
    expect(await Promise.all([gone, next].map(statusOf))).toEqual(["waiting", "offered"])
  })

  test("can be blocked, and not changed, by a hook when it is accepted", async () => {
    const booking = await list.taken(hour)
    const id = await list.waiting(list.ana, hour)
    await list.cancel(booking)
    const app = list.api.app as { hooks?: ReturnType<typeof createHooks> }
    const verdicts = [{ block: "not today" }, { modify: { resourceId: newId() } }]
    for (const verdict of verdicts) {
      app.hooks = createHooks([{ point: "before:booking.create", name: "moody", run: () => verdict }])
      expect(codeOf(await list.accept(id))).toEqual([422, "blocked_by_hook"])
    }
    delete app.hooks
    expect((await list.accept(id)).status).toBe(200)
  })
})

describe("a person that joins", () => {
  test("gets an error for a free slot, for an existing entry, and for faults in the wish", async () => {
    expect(codeOf(await list.wait(list.ana, hour))).toEqual([409, "slot_is_free"])
    await list.taken(hour)
    await list.waiting(list.ana, hour)
    expect(codeOf(await list.wait(list.ana, hour))).toEqual([409, "already_waiting"])
    const refused = async (body: object, token = list.ana.token) => {
      const answer = await refusalOf(list.api, () => list.api.call("POST", `${list.at}/waitlist`, { body, token }))
      return [answer.status, answer.code, answer.errors?.[0]?.path]
    }
    const times = atHour(hour)
    expect(await refused(times)).toEqual([422, "invalid_input", "body.resourceId"])
    expect(await refused({ ...times, resourceType: "pool" })).toEqual([
      422,
      "resource_type_unknown",
      "body.resourceType",
    ])
    expect(await refused({ resourceId: newId(), ...times })).toEqual([404, "not_found", undefined])
    expect(await refused({ resourceId: list.its.court, startAt: times.endAt, endAt: times.startAt })).toEqual([
      422,
      "invalid_input",
      "body.endAt",
    ])
    const foreign = { resourceId: list.its.court, ...times, bookerId: list.ben.id }
    expect(await refused(foreign)).toEqual([403, "not_allowed", undefined])
  })

  test("has at most twenty entries at a time", async () => {
    const keen = await list.api.person("player", list.its.facilityId)
    await list.taken(hour, 24)
    const wishes = Array.from({ length: maxLiveWishes + 2 }, (_, n) => list.wait(keen, hour + n))
    const answers = (await Promise.all(wishes)).map(codeOf)
    expect(answers.filter(([status]) => status === 201)).toHaveLength(maxLiveWishes)
    expect(answers.filter(([, code]) => code === "too_many_wishes")).toHaveLength(2)
    hour += 24
  })

  test("sees their own entries, staff all of them, strangers nothing; page by page", async () => {
    await list.taken(hour)
    const mine = await list.waiting(list.ana, hour)
    const theirs = await list.waiting(list.ben, hour)
    const window = `from=${atHour(hour).startAt}&to=${atHour(hour).endAt}`
    const ids = async (query: string, token: string) => {
      const { body } = await list.api.call("GET", `${list.at}/waitlist?${window}${query}`, { token })
      return [body.data?.map(({ id }: { id: string }) => id) ?? body.code, body.next]
    }
    expect(await ids("", list.ana.token)).toEqual([[mine], null])
    expect(await ids("", list.its.staff.token)).toEqual([[mine, theirs], null])
    expect(await ids(`&bookerId=${list.ben.id}`, list.ana.token)).toEqual(["not_allowed", undefined])
    const [first, next] = await ids("&limit=1&status=waiting", list.its.staff.token)
    expect(first).toEqual([mine])
    expect(await ids(`&limit=1&status=waiting&after=${next}`, list.its.staff.token)).toEqual([[theirs], null])
    const stranger = await list.api.person()
    for (const path of ["", `/${mine}`]) {
      expect((await list.api.call("GET", `${list.at}/waitlist${path}`, { token: stranger.token })).status).toBe(404)
    }
    expect((await list.api.call("GET", `${list.at}/waitlist/${mine}`, { token: list.ben.token })).status).toBe(404)
    expect((await list.decline(mine, list.ben.token)).status).toBe(404)
  })

  test("may leave, and then gets no offer", async () => {
    const booking = await list.taken(hour)
    const id = await list.waiting(list.ana, hour)
    expect(codeOf(await list.decline(id, list.ana.token))).toEqual([409, "no_offer"])
    const left = await list.api.call("DELETE", `${list.at}/waitlist/${id}`, { token: list.ana.token })
    expect(left.body).toMatchObject({ id, status: "left" })
    expect((await list.eventsOf(left)).map(({ type }) => type)).toEqual(["waitlist.left"])
    await list.cancel(booking)
    expect(await statusOf(id)).toBe("left")
    const again = await list.api.call("DELETE", `${list.at}/waitlist/${id}`, { token: list.ana.token })
    expect(codeOf(again)).toEqual([409, "waitlist_entry_ended"])
  })
})

describe("races", () => {
  test("accepting twice at once: one booking, and the other request gets the error that the offer is over", async () => {
    const booking = await list.taken(hour)
    const id = await list.waiting(list.ana, hour)
    await list.cancel(booking)
    const answers = await Promise.all([list.accept(id), list.accept(id), list.decline(id, list.ana.token)])
    const won = answers.filter(({ status }) => status === 200)
    expect(won).toHaveLength(1)
    for (const lost of answers.filter(({ status }) => status !== 200)) {
      expect(codeOf(lost)).toEqual([409, "waitlist_entry_ended"])
    }
    const ends = (await list.eventsAbout(id)).slice(2)
    expect(ends).toHaveLength(1)
  })

  test("two cancellations that together free one wish: offered once, in either order", async () => {
    for (let round = 0; round < 5; round++, hour += 3) {
      const [one, two] = [await list.taken(hour), await list.taken(hour + 1)]
      const long = await list.waiting(list.ana, hour, {}, 2)
      const short = await list.waiting(list.ben, hour)
      const answers = await Promise.all([list.cancel(one), list.cancel(two)])
      expect(answers.map(({ status }) => status)).toEqual([200, 200])
      const after = await Promise.all([long, short].map(statusOf))
      // The short wish fits once the first half is free, the long one once both halves are free.
      expect([["offered", "waiting"].join(), ["waiting", "offered"].join()]).toContain(after.join())
    }
  })

  test("joining while the slot becomes free: the person gets the free slot as an error or as an offer, and never waits in vain", async () => {
    for (let round = 0; round < 8; round++, hour += 2) {
      const booking = await list.taken(hour)
      const [joined] = await Promise.all([list.wait(list.ana, hour), list.cancel(booking)])
      if (joined.status === 201) expect(await statusOf(joined.body.id)).toBe("offered")
      else expect(codeOf(joined)).toEqual([409, "slot_is_free"])
    }
  })

  test("newcomers, cancellations and offers at once: no slot is booked twice, and no wanted slot stays free", async () => {
    const hours = Array.from({ length: 6 }, (_, n) => hour + n)
    hour += 8
    const bookings = await Promise.all(hours.map((each) => list.taken(each)))
    const entries = await Promise.all(hours.map((each) => list.waiting(list.ben, each)))
    const grab = (each: number) =>
      list.api.call("POST", `${list.at}/bookings`, {
        body: {
          resourceId: list.its.court,
          ...hoursFrom(each, 1),
          bookerId: list.cleo.id,
          paymentMethod: "waived",
        },
      })
    const answers = await Promise.all([
      ...bookings.map((each) => list.cancel(each)),
      ...hours.flatMap((each) => [grab(each), grab(each)]),
    ])
    expect(answers.filter(({ status }) => ![200, 201, 409].includes(status))).toEqual([])
    for (const [n, id] of entries.entries()) {
      const { data } = (
        await list.api.call(
          "GET",
          `${list.at}/bookings?from=${hoursFrom(hours[n] ?? 0, 1).startAt}&to=${hoursFrom(hours[n] ?? 0, 1).endAt}`,
        )
      ).body
      const alive = data.filter(({ status }: { status: string }) => ["held", "confirmed"].includes(status))
      expect(alive).toHaveLength(1)
      expect(await statusOf(id)).toBe(alive[0].bookerId === list.ben.id ? "offered" : "waiting")
    }
  })
})
