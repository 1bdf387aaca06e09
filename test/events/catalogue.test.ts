/** The catalogue against the specification's written-out table, both ways, and its checks against bad data. */
import { describe, expect, test } from "bun:test"
import {
  byType,
  catalogue,
  checkData,
  definitionOf,
  type EventType,
  eventJsonSchemaOf,
  facilityWebhookEvents,
  InvalidEvent,
} from "#events/catalogue.ts"
import { channelPatterns } from "#events/definition.ts"
import { expectedSchema } from "./kinds.ts"
import { slotbase } from "./slotbase.ts"
import { specification } from "./specification.ts"

const specTypes = Object.keys(specification)
type Case = readonly [EventType, field: string, value: unknown]
const types = catalogue.map(({ type }) => type as EventType)

describe("the list", () => {
  test("the spec's types are exactly the 34 of the table", () => {
    const listed = catalogue.filter(({ origin }) => origin === "spec").map(({ type }) => type as string)
    expect(specTypes).toHaveLength(34)
    expect(listed.toSorted()).toEqual(specTypes.toSorted())
  })

  test.each(Object.entries({ ...specification, ...slotbase }))(
    "%s has the fields of the table and no others",
    (type, fields) => {
      expect(eventJsonSchemaOf(type as EventType)).toEqual({
        $schema: "https://json-schema.org/draft/2020-12/schema",
        title: type,
        description: definitionOf(type)?.description,
        ...expectedSchema(fields),
      })
    },
  )

  test("types of origin slotbase are marked as such, and webhooks may have those that change what a partner was told", () => {
    expect(definitionOf("booking.hold.released")).toMatchObject({ origin: "slotbase", facilityWebhook: true })
    const added = catalogue.filter(({ origin, facilityWebhook }) => origin === "slotbase" && facilityWebhook)
    expect(added.map(({ type }) => type).sort()).toEqual([
      "booking.approval.expired",
      "booking.approval.granted",
      "booking.approval.rejected",
      "booking.approval.requested",
      "booking.check_in.undone",
      "booking.completion.undone",
      "booking.hold.released",
      "booking.local_time_changed",
      "booking.no_show.undone",
      "booking.no_show.waived",
      "booking.payment_voided",
      "booking.rescheduled",
      "booking.struck",
      "coach.block.cancelled",
      "coach.block.expired",
      "coach.block.struck",
      "coach.session.completion.undone",
      "facility.closure.created",
      "facility.closure.removed",
      "parent_child.unlinked",
      "payment.refund_failed",
      "waitlist.accepted",
      "waitlist.declined",
      "waitlist.expired",
      "waitlist.joined",
      "waitlist.left",
      "waitlist.offered",
    ])
  })

  test("of the specification's types, facility webhooks may have exactly its sixteen", () => {
    const ofSpec = facilityWebhookEvents.filter((type) => definitionOf(type)?.origin === "spec")
    expect(ofSpec.toSorted()).toEqual([
      "booking.cancelled",
      "booking.checked_in",
      "booking.completed",
      "booking.confirmed",
      "booking.no_show",
      "coach.block.approved",
      "coach.block.requested",
      "coach.session.completed",
      "feedback.published",
      "offline_payment.recorded",
      "parent_child.linked",
      "payment.failed",
      "payment.refunded",
      "payment.succeeded",
      "subscription.limit_warning",
      "user.created",
    ])
  })

  test("the list and its definitions are frozen", () => {
    expect(Object.isFrozen(catalogue)).toBe(true)
    expect(Object.isFrozen(facilityWebhookEvents)).toBe(true)
    expect(catalogue.filter((definition) => !Object.isFrozen(definition))).toEqual([])
  })

  test("a type that is listed twice throws", () => {
    const [first] = catalogue
    if (first === undefined) throw new Error("the catalogue is empty")
    expect(() => byType([...catalogue, first])).toThrow("The catalogue has the event type booking.hold.created twice.")
  })

  test("an unknown type has no definition", () => {
    expect(definitionOf("booking.imagined")).toBeUndefined()
    expect(definitionOf("constructor")).toBeUndefined()
  })
})

describe("channels", () => {
  const reached = Object.fromEntries(
    catalogue.filter(({ channels }) => channels.length > 0).map(({ type, channels }) => [type, channels]),
  )
  const bookings = ["user:{userId}:bookings", "facility:{facilityId}:bookings"]
  const availability = ["facility:{facilityId}:availability", "resource:{resourceId}:availability"]

  test("each type reaches exactly its channels", () => {
    expect(reached).toEqual({
      "booking.hold.created": [...bookings, ...availability],
      "booking.hold.released": [...bookings, ...availability],
      "booking.hold.extended": bookings,
      "booking.confirmed": [...bookings, ...availability],
      "booking.cancelled": [...bookings, ...availability],
      "booking.approval.requested": [...bookings, ...availability],
      "booking.rescheduled": [...bookings, ...availability],
      "booking.checked_in": [...bookings, "facility:{facilityId}:check-ins"],
      "booking.no_show": bookings,
      "booking.completed": bookings,
      "booking.approval.expired": [...bookings, ...availability],
      "booking.no_show.undone": bookings,
      "booking.check_in.undone": bookings,
      "booking.completion.undone": bookings,
      "coach.block.requested": availability,
      "coach.block.approved": availability,
      "coach.block.rejected": availability,
      "coach.block.cancelled": availability,
      "coach.block.expired": availability,
      "feedback.published": ["user:{userId}:feedback"],
      "notification.created": ["user:{userId}:notifications"],
      "facility.closure.created": availability,
      "facility.closure.removed": availability,
    } as typeof reached)
  })

  test("an event on an availability channel names the changed resource and the time", () => {
    const silent = catalogue
      .filter(({ channels }) => channels.some((channel) => channel.endsWith(":availability")))
      // A closure may concern several resources.
      .filter(({ type }) => !type.startsWith("facility.closure."))
      .filter(({ schema }) => !["facilityId", "resourceId", "startAt", "endAt"].every((name) => name in schema.fields))
    // The specification's own types name only the block, and the catalogue says so (LogRow.stretch).
    expect(silent.map(({ type }) => type as string)).toEqual(["coach.block.approved", "coach.block.rejected"])
  })

  test("the patterns are the spec's seven", () => {
    expect(Object.keys(channelPatterns)).toEqual([
      "user:{userId}:bookings",
      "user:{userId}:notifications",
      "user:{userId}:feedback",
      "facility:{facilityId}:availability",
      "facility:{facilityId}:bookings",
      "facility:{facilityId}:check-ins",
      "resource:{resourceId}:availability",
    ])
  })
})

describe.each(types)("%s", (type) => {
  const definition = definitionOf(type)
  if (definition === undefined) throw new Error(`${type} is not in the catalogue`)
  const sample: Readonly<Record<string, unknown>> = definition.sample
  const fields = Object.keys(definition.schema.fields)
  const required = eventJsonSchemaOf(type).required as readonly string[]

  test("the sample has every field and passes", () => {
    expect(Object.keys(sample).toSorted()).toEqual(fields.toSorted())
    checkData(type, sample)
  })

  test("the aggregate's id is a UUID from the data", () => {
    expect(Object.values(sample)).toContain(definition.aggregateId(sample))
    expect(definition.aggregateId(sample)).toMatch(/^[0-9a-f-]{36}$/)
  })

  test("data without a required field is refused, and the error names the field", () => {
    for (const field of required) {
      expect(issuesOf(type, without(sample, field))).toEqual([{ path: field, message: "Missing key" }])
    }
  })

  test("data without its optional fields passes", () => {
    checkData(type, Object.fromEntries(required.map((field) => [field, sample[field]])))
  })

  test("null, undefined or another type of value is refused in every field", () => {
    for (const field of fields) {
      for (const wrong of [null, undefined, Symbol("wrong"), () => sample[field]]) {
        expect(pathsOf(type, { ...sample, [field]: wrong })).toEqual([field])
      }
      const otherType = typeof sample[field] === "string" ? 42 : "wrong"
      expect(pathsOf(type, { ...sample, [field]: otherType })).toEqual([field])
    }
  })

  test("an unknown field is refused", () => {
    expect(issuesOf(type, { ...sample, surplus: 1 })).toEqual([
      { path: "surplus", message: "Expected no excess property" },
    ])
  })
})

describe("the check", () => {
  const confirmed = definitionOf("booking.confirmed")?.sample as Readonly<Record<string, unknown>>
  const participant = { userId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e07", name: "Mia", role: "player" }

  test("names the path of a fault deep in the data", () => {
    const participants = [participant, { ...participant, userId: "Mia", shoeSize: 38 }]
    expect(issuesOf("booking.confirmed", { ...confirmed, participants })).toEqual([
      { path: "participants.1.shoeSize", message: "Expected no excess property" },
      { path: "participants.1.userId", message: "Expected a lower-case UUID" },
    ])
  })

  test("reports all faults at once, in an error with a tag, and never the values", () => {
    const error = refusal("booking.confirmed", { ...confirmed, bookerEmail: "mia at home", priceAmount: -1 })
    expect(error._tag).toBe("InvalidEvent")
    expect(error.type).toBe("booking.confirmed")
    expect(error.message).toBe(
      "booking.confirmed is not valid: bookerEmail: Expected an e-mail address; " +
        "priceAmount: Expected a value greater than or equal to 0",
    )
  })

  test("reports at most fifty faults", () => {
    const surplus = Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`surplus${n}`, n]))
    expect(issuesOf("booking.confirmed", { ...confirmed, ...surplus })).toHaveLength(50)
  })

  test("refuses data that is no object", () => {
    for (const data of [null, undefined, "text", 7, [], [{}]]) {
      expect(issuesOf("booking.confirmed", data)).toEqual([{ path: "", message: "Expected object" }])
    }
  })

  test("refuses an unknown type", () => {
    expect(issuesOf("booking.imagined" as EventType, {})).toEqual([{ path: "type", message: "Unknown event type" }])
  })

  const accepted: readonly Case[] = [
    ["booking.confirmed", "startAt", "2028-02-29T23:59:59Z"],
    ["booking.confirmed", "startAt", "2026-03-12T17:00:00.5Z"],
    ["booking.confirmed", "bookingId", "00000000-0000-0000-0000-000000000000"],
    ["booking.confirmed", "bookingId", "9b2d3f6e-1c1a-4f6b-8a55-0d7a3f1f2c11"],
    ["booking.confirmed", "priceAmount", 0],
    ["booking.confirmed", "participants", []],
    ["booking.confirmed", "bookerName", "Zoë 李 🎾"],
    ["booking.cancelled", "cancelledBy", "system"],
    ["booking.cancelled", "cancellationReason", ""],
    ["subscription.plan_changed", "proratedAmount", -1250],
    ["subscription.created", "discountAmount", -1250],
    ["media.processed", "aiInsights", {}],
    ["media.processed", "aiInsights", { deep: [{ er: null }], "🎾": 1.5 }],
    ["media.processed", "processingTime", 0.25],
    ["progress.updated", "improvementPercent", -12.5],
  ]
  test.each(named(accepted))("%s accepts %s %s", (type, field, _name, value) => {
    checkData(type, { ...definitionOf(type)?.sample, [field]: value })
  })

  const refused: readonly Case[] = [
    ["booking.confirmed", "startAt", "2026-02-30T10:00:00Z"],
    ["booking.confirmed", "startAt", "2026-13-01T10:00:00Z"],
    ["booking.confirmed", "startAt", "2026-03-12T24:00:00Z"],
    ["booking.confirmed", "startAt", "2026-03-12T17:00:00+01:00"],
    ["booking.confirmed", "startAt", "2026-03-12T17:00:00"],
    ["booking.confirmed", "startAt", "2026-03-12 17:00:00Z"],
    ["booking.confirmed", "startAt", "2026-03-12T17:00:00.123456Z"],
    ["booking.confirmed", "startAt", "2026-03-12T17:00:00Z\n"],
    ["booking.confirmed", "startAt", new Date()],
    ["booking.confirmed", "bookingId", "9B2D3F6E-1C1A-4F6B-8A55-0D7A3F1F2C11"],
    ["booking.confirmed", "bookingId", "9b2d3f6e1c1a4f6b8a550d7a3f1f2c11"],
    ["booking.confirmed", "bookingId", "9b2d3f6e-1c1a-4f6b-8a55-0d7a3f1f2c11\n"],
    ["booking.confirmed", "priceAmount", 24.5],
    ["booking.confirmed", "priceAmount", -1],
    ["booking.confirmed", "priceAmount", Number.NaN],
    ["booking.confirmed", "priceAmount", 2 ** 53],
    ["booking.confirmed", "priceAmount", 2400n],
    ["booking.confirmed", "priceCurrency", "eur"],
    ["booking.confirmed", "priceCurrency", "EURO"],
    ["booking.confirmed", "paymentMethod", "cash"],
    ["booking.confirmed", "timezone", ""],
    ["booking.confirmed", "bookerName", ""],
    ["booking.confirmed", "bookerName", "Mia\u0000Keller"],
    ["booking.confirmed", "bookerName", "Mia \ud83c"],
    ["booking.confirmed", "bookerEmail", "mia@example.com\u0000"],
    ["booking.cancelled", "cancelledBy", "nobody"],
    ["booking.cancelled", "cancellationReason", "\udfbe"],
    ["booking.no_show", "strikeCount", 1.5],
    ["media.processed", "processingTime", -1],
    ["media.processed", "processingTime", Number.POSITIVE_INFINITY],
    ["media.processed", "aiInsights", []],
    ["media.processed", "aiInsights", { deep: [{ er: "\u0000" }] }],
    ["media.processed", "aiInsights", { "\u0000": 1 }],
    ["offline_payment.recorded", "paymentDate", "2026-02-29"],
    ["offline_payment.recorded", "paymentDate", "2026-03-10T00:00:00Z"],
  ]
  test.each(named(refused))("%s refuses %s %s", (type, field, _name, value) => {
    expect(pathsOf(type, { ...definitionOf(type)?.sample, [field]: value })).toEqual([field])
  })

  test("refuses a number that JSON does not have, in every place", () => {
    const data = { ...definitionOf("media.processed")?.sample, aiInsights: { deep: [Number.NaN] } }
    expect(pathsOf("media.processed", data)).toEqual(["aiInsights.deep"])
  })

  test("a failed payment that never became a transaction belongs to the booking or subscription that it was to pay", () => {
    const transactionId = "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e14"
    const referenceId = "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e10"
    expect(definitionOf("payment.failed")?.aggregateId({ transactionId, referenceId })).toBe(transactionId)
    expect(definitionOf("payment.failed")?.aggregateId({ referenceId })).toBe(referenceId)
  })
})

function refusal(type: EventType, data: unknown): InvalidEvent {
  try {
    checkData(type, data)
  } catch (error) {
    if (error instanceof InvalidEvent) return error
    throw error
  }
  throw new Error(`${type} was accepted, and must not be`)
}

/** The cases, each with its value as one line of text for the test's name. */
function named(cases: readonly Case[]) {
  return cases.map(
    ([type, field, value]) => [type, field, Bun.inspect(value, { compact: true }).replace(/\s+/g, " "), value] as const,
  )
}

function issuesOf(type: EventType, data: unknown) {
  return refusal(type, data).issues
}

function pathsOf(type: EventType, data: unknown) {
  return [...new Set(issuesOf(type, data).map(({ path }) => path))]
}

function without(data: Readonly<Record<string, unknown>>, field: string) {
  return Object.fromEntries(Object.entries(data).filter(([name]) => name !== field))
}
