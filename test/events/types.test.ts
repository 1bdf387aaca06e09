/** The types of events at compile time. These tests fail in `tsc`; at run time they check nothing. */
import { expect, test } from "bun:test"
import { checkData, type EventData, type EventType } from "#events/catalogue.ts"
import type { DomainEvent } from "#events/envelope.ts"

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

test("the data of booking.confirmed has exactly the type of its fields", () => {
  const same: Same<
    EventData<"booking.confirmed">,
    {
      readonly bookingId: string
      readonly facilityId: string
      readonly resourceId: string
      readonly resourceName: string
      readonly bookerId: string
      readonly bookerName: string
      readonly bookerEmail: string
      readonly participants: readonly { readonly userId: string; readonly name: string; readonly role: string }[]
      readonly startAt: string
      readonly endAt: string
      readonly timezone: string
      readonly bookingType: string
      readonly priceAmount: number
      readonly priceCurrency: string
      readonly paymentMethod: "online" | "offline" | "waived"
      readonly isRecurring: boolean
      readonly recurringBookingId?: string
    }
  > = true
  expect(same).toBe(true)
})

test("an event type is one of the literal names", () => {
  const narrow: Same<string, EventType> = false
  const released: EventType = "booking.hold.released"
  // @ts-expect-error: no type of the catalogue
  const imagined: EventType = "booking.imagined"
  expect([narrow, released, imagined]).toEqual([false, "booking.hold.released", "booking.imagined" as EventType])
})

test("a literal outside of its choice, a missing field and an undefined option do not compile", () => {
  const checkIn = {
    bookingId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e10",
    facilityId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e01",
    userId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e07",
    checkedInAt: "2026-03-12T16:52:11.480Z",
    checkedInBy: "self",
  } as const
  const right: EventData<"booking.checked_in"> = { ...checkIn, method: "manual" }
  // @ts-expect-error: method has no such choice
  const wrongChoice: EventData<"booking.checked_in"> = { ...checkIn, method: "telepathy" }
  // @ts-expect-error: method is missing
  const missing: EventData<"booking.checked_in"> = checkIn
  // @ts-expect-error: an optional field is absent, never undefined
  const option: Pick<EventData<"user.created">, "facilityId"> = { facilityId: undefined }

  checkData("booking.checked_in", right)
  expect(() => checkData("booking.checked_in", wrongChoice)).toThrow("method")
  expect(() => checkData("booking.checked_in", missing)).toThrow("method")
  expect(() => checkData("user.created", option)).toThrow("facilityId")
})

test("the environment of an event is one of three", () => {
  const same: Same<DomainEvent["metadata"]["environment"], "production" | "staging" | "development"> = true
  expect(same).toBe(true)
})
