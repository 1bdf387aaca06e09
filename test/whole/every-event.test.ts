// The spec's events, each made by an operation that a client can repeat over HTTP. Each row has a club of its own. The
// test checks the event's data, the events beside it, and their actor, correlation and cause.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { catalogue, checkData, definitionOf } from "#events/catalogue.ts"
import { bookingRows } from "./every-event/bookings.ts"
import { aClubOfItsOwn, type Told } from "./every-event/club.ts"
import { coachRows } from "./every-event/coaches.ts"
import { paymentRows } from "./every-event/payments.ts"
import { peopleRows } from "./every-event/people.ts"
import type { Row } from "./every-event/row.ts"
import { subscriptionRows } from "./every-event/subscriptions.ts"
import { makeWorld, type World } from "./every-event/world.ts"

const rows: readonly Row[] = [...bookingRows, ...paymentRows, ...subscriptionRows, ...coachRows, ...peopleRows]

/** Its row comes with the processing of videos, which fills all of its fields. */
const notYet = ["media.processed"]
/** Optional fields that no operation here can fill, with the reason. */
const neverSeen: Readonly<Record<string, string>> = {
  "payment.succeeded stripePaymentIntentId":
    "payments here are taken by the built-in provider; see domain/payments/routes/stripe.test.ts",
}

let world: World
beforeAll(async () => {
  world = await makeWorld()
})
afterAll(() => world.stop())

describe("every event comes from a real operation", () => {
  test.each(rows.map((row) => [row.type, row.operation, row] as const))("%s: %s", async (type, _operation, row) => {
    const club = await aClubOfItsOwn(world)
    const expected = await row.perform(club)
    // The messages inside the program that are made meanwhile have tests of their own.
    const story = (await club.story()).filter(({ type }) => type !== "notification.created")
    const byId = new Map(story.map((event) => [event.id, event]))
    expect(story.map((event) => withCause(event, byId))).toEqual([...row.records])

    for (const event of story) {
      const cause = byId.get(event.causation_id ?? "")
      if (cause) expect(event.correlation_id).toBe(cause.correlation_id)
      else if (!club.isByJob()) expect(event.correlation_id).toBe(club.correlation)
      if (!cause) expect(event.user_id).toBe(club.actor() ?? String(event.data.userId))
      checkData(event.type, event.data)
    }
    const event = story.find((each) => each.type === type)
    expect(event?.data).toEqual(expected)
    expect(Object.keys(event?.data ?? {}).toSorted()).toEqual(
      Object.keys(fieldsOf(type))
        .filter((field) => !row.without?.includes(field))
        .toSorted(),
    )
  })
})

test("the table has every event of the spec except the one of files that were processed", () => {
  const spec: readonly string[] = catalogue.filter(({ origin }) => origin === "spec").map(({ type }) => type)
  expect(spec).toHaveLength(34)
  expect<string[]>(rows.map(({ type }) => type).toSorted()).toEqual(
    spec.filter((type) => !notYet.includes(type)).toSorted(),
  )
})

test("every optional field occurs in the table, except the listed ones", () => {
  const missing = rows.flatMap(({ type, without = [] }) => without.map((field) => `${type} ${field}`))
  expect(missing).toEqual(Object.keys(neverSeen))
})

const fieldsOf = (type: string) => definitionOf(type)?.schema.fields ?? {}

/** An event and its cause within the story. */
function withCause({ type, causation_id }: Told, byId: ReadonlyMap<string, Told>): string {
  if (causation_id === null) return type
  return `${byId.get(causation_id)?.type ?? "something before it"} > ${type}`
}
