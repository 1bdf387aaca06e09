// The samples of the catalogue against the API's own rules: what a sample says, the API would take.

import { describe, expect, test } from "bun:test"
import * as Schema from "effect/Schema"
import { childPermissions } from "#access/caller.ts"
import { Currency } from "#base/schema/request-fields.ts"
import { BookingType, PaymentMethod } from "#domain/booking/input.ts"
import { catalogue } from "#events/catalogue.ts"

/** The rule of each field that the API limits more than the event does, wherever the field stands. */
const rules: Readonly<Record<string, (value: unknown) => boolean>> = {
  bookingType: Schema.is(BookingType),
  timezone: (value) => Intl.supportedValuesOf("timeZone").includes(value as string),
  currency: Schema.is(Currency),
  priceCurrency: Schema.is(Currency),
  permissions: Schema.is(Schema.Array(Schema.Literals(childPermissions))),
  refundStatus: Schema.is(Schema.Literals(["pending", "none"])),
}

describe.each(catalogue.map((definition) => [definition.type, definition.sample] as const))("%s", (type, sample) => {
  test("every field that the API limits has a value that the API knows", () => {
    const wrong = fieldsIn(sample).filter(([name, value]) => rules[name] && !rules[name](value))
    expect(wrong).toEqual([])
  })

  test("ends come after starts", () => {
    for (const part of [sample, ...partsOf(sample)] as { startAt?: string; endAt?: string }[]) {
      if (part.startAt !== undefined && part.endAt !== undefined) expect(part.startAt < part.endAt).toBe(true)
    }
  })

  if (type.startsWith("booking."))
    test("a payment method is one by which the API takes bookings", () => {
      const methods = fieldsIn(sample).filter(([name]) => name === "paymentMethod")
      expect(methods.filter(([, value]) => !Schema.is(PaymentMethod)(value))).toEqual([])
    })
})

function fieldsIn(value: unknown): [string, unknown][] {
  if (typeof value !== "object" || value === null) return []
  return Object.entries(value).flatMap(([name, field]): [string, unknown][] => [[name, field], ...fieldsIn(field)])
}

const partsOf = (value: object) =>
  fieldsIn(value)
    .map(([, field]) => field)
    .filter((field) => typeof field === "object")
