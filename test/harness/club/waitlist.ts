// Over HTTP: courts with people on their waitlist, and the log's view of the waitlist.

import { newId } from "#base/ids.ts"
import { expireHolds } from "#domain/booking/holds.ts"
import { transact } from "#events/outbox.ts"
import { type Answer, type TestApi, testApi } from "#test/harness/api/api.ts"
import { makeCourts } from "#test/harness/api/booking-api.ts"
import { hoursFrom } from "./hours.ts"

interface RecordedEvent {
  readonly type: string
  readonly data: Record<string, unknown>
}

export async function makeWaitlist() {
  const api = await testApi()
  const its = await makeCourts(api)
  const at = `/v1/facilities/${its.facilityId}`
  const db = api.database.db
  const people = await Promise.all([1, 2, 3].map(() => api.person("player", its.facilityId)))
  const [ana, ben, cleo] = people as [Person, Person, Person]
  const made = (answer: Answer) => {
    if (answer.status !== 201) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  return {
    api,
    its,
    at,
    db,
    ana,
    ben,
    cleo,
    /** Staff book the court for the player, starting at the hour. */
    taken: async (hour: number, hours = 1, resourceId = its.court): Promise<string> =>
      made(
        await api.call("POST", `${at}/bookings`, {
          body: { resourceId, ...hoursFrom(hour, hours), bookerId: its.player.id, paymentMethod: "offline" },
          token: its.staff.token,
        }),
      ).id,
    cancel: (bookingId: string) =>
      api.call("POST", `${at}/bookings/${bookingId}/cancel`, {
        body: { cancellationReason: "rain" },
        token: its.staff.token,
      }),
    wait: (person: Person, hour: number, more: object = {}, hours = 1) =>
      api.call("POST", `${at}/waitlist`, {
        body: { resourceId: its.court, ...hoursFrom(hour, hours), ...more },
        token: person.token,
      }),
    /** The id of a waiting person's entry. */
    waiting: async (person: Person, hour: number, more: object = {}, hours = 1): Promise<string> =>
      made(
        await api.call("POST", `${at}/waitlist`, {
          body: { resourceId: its.court, ...hoursFrom(hour, hours), ...more },
          token: person.token,
        }),
      ).id,
    entry: async (id: string) => (await api.call("GET", `${at}/waitlist/${id}`)).body,
    accept: (id: string, paymentMethod = "offline", token = its.staff.token) =>
      api.call("POST", `${at}/waitlist/${id}/accept`, { body: { paymentMethod }, token }),
    decline: (id: string, token: string) => api.call("POST", `${at}/waitlist/${id}/decline`, { body: {}, token }),
    /** Runs the job hold-expiration. */
    expire: () =>
      transact(db, { environment: "development", correlationId: newId() }, (tx) => expireHolds(tx, 100)).then(
        ({ result }) => result,
      ),
    /** The events of one request. */
    eventsOf: async (answer: Answer): Promise<RecordedEvent[]> => {
      const rows = await db<RecordedEvent[]>`
        select type, data from slotbase.events where correlation_id = ${answer.headers.get("x-correlation-id")} order by id`
      return rows.map(({ type, data }) => ({ type, data }))
    },
    eventsAbout: async (id: string): Promise<string[]> => {
      const rows = await db<{ type: string }[]>`select type from slotbase.events where aggregate_id = ${id} order by id`
      return rows.map(({ type }) => type)
    },
    pass: (minutes: number) => db`select slotbase.move_clock(make_interval(mins => ${minutes}))`,
  }
}
export type Waitlist = Awaited<ReturnType<typeof makeWaitlist>>
type Person = Awaited<ReturnType<TestApi["person"]>>
