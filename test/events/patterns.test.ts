// What patterns such as booking.* mean, and the fields that paths in the data of events name.

import { expect, test } from "bun:test"
import { facilityWebhookEvents } from "#events/catalogue.ts"
import { dataFieldOf } from "#events/data-fields.ts"
import { facilityWebhookPatterns, typesMeantBy } from "#events/patterns.ts"

test("a pattern means every type below its prefix that facilities may have, and * all of them", () => {
  expect(typesMeantBy(["*"])).toEqual([...facilityWebhookEvents])
  expect(typesMeantBy(["booking.approval.*"]).toSorted()).toEqual([
    "booking.approval.expired",
    "booking.approval.granted",
    "booking.approval.rejected",
    "booking.approval.requested",
  ])
  expect(typesMeantBy(["booking.*"])).toContain("booking.hold.released")
  // A type that webhooks may not have is in no pattern.
  expect(typesMeantBy(["booking.*"]) as string[]).not.toContain("booking.reminder.sent")
})

test("names and patterns together mean each type once", () => {
  const types = typesMeantBy(["payment.*", "payment.failed", "user.created", "user.created"])
  expect(types.toSorted()).toEqual([
    "payment.failed",
    "payment.refund_failed",
    "payment.refunded",
    "payment.succeeded",
    "user.created",
  ])
})

test("every pattern means something, and there is one for each prefix", () => {
  expect(facilityWebhookPatterns.filter((pattern) => typesMeantBy([pattern]).length === 0)).toEqual([])
  expect(facilityWebhookPatterns).toContain("booking.hold.*")
  expect(facilityWebhookPatterns).not.toContain("booking.reminder.*")
})

test("a path names a field of the data, through lists and into what the catalogue does not know", () => {
  const kindOf = (type: Parameters<typeof dataFieldOf>[0], path: string) => dataFieldOf(type, path.split("."))?.kind
  expect(kindOf("booking.confirmed", "priceAmount")).toBe("number")
  expect(kindOf("booking.confirmed", "participants.role")).toBe("string")
  expect(kindOf("booking.confirmed", "participants")).toBe("object")
  expect(kindOf("booking.confirmed", "isRecurring")).toBe("boolean")
  expect(kindOf("media.processed", "aiInsights.any.thing")).toBe("anything")
  for (const path of ["price", "participants.0", "bookerName.length", "constructor", "__proto__", "priceAmount.x"])
    expect(kindOf("booking.confirmed", path)).toBeUndefined()
  expect(dataFieldOf("booking.confirmed", ["startAt"])?.isInstant).toBe(true)
  expect(dataFieldOf("booking.confirmed", ["paymentMethod"])?.values).toEqual(["online", "offline", "waived"])
})
