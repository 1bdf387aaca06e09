/** The events of what is owed to a facility: debts that grow old, bills of a month, and the end of a counted month. */
import * as Schema from "effect/Schema"
import { Count, Currency, Day, Id, Instant, Money, Text } from "#base/schema/fact-fields.ts"
import { area } from "#events/definition.ts"
import { example } from "#events/example.ts"

const define = area("billing-service")

/** Who is asked to pay: the owner of the account, or the parents of a child. */
const asked = { billingAccountId: Id, payerId: Schema.optionalKey(Id), parentIds: Schema.Array(Id) }
const mother = { billingAccountId: example.billingAccountId, payerId: example.parentId, parentIds: [] }
/** Where a transfer goes, if the facility has said it. */
const payTo = { accountHolder: Schema.optionalKey(Text), iban: Schema.optionalKey(Text) }
const club = { accountHolder: "Riverside Tennis Club e.V.", iban: "DE02120300000000202051" }

const Stage = Schema.Literals(["30_days", "60_days", "90_days"])

export const debtEvents = [
  define({
    type: "booking.payment_overdue",
    origin: "slotbase",
    description: "A booking is unpaid 30, 60 or 90 local days after it took place.",
    aggregate: "booking",
    aggregateId: (data) => data.bookingId,
    data: {
      bookingId: Id,
      facilityId: Id,
      resourceId: Id,
      resourceName: Text,
      bookerId: Id,
      bookerName: Text,
      ...asked,
      startAt: Instant,
      endAt: Instant,
      stage: Stage,
      ageDays: Count,
      amount: Money,
      currency: Currency,
      ...payTo,
    },
    sample: {
      bookingId: example.bookingId,
      facilityId: example.facilityId,
      resourceId: example.resourceId,
      resourceName: "Court 1",
      bookerId: example.playerId,
      bookerName: "Mia Keller",
      ...mother,
      startAt: example.startAt,
      endAt: example.endAt,
      stage: "30_days",
      ageDays: 30,
      amount: 2400,
      currency: "EUR",
      ...club,
    },
  }),
  define({
    type: "facility.payments_overdue",
    origin: "slotbase",
    description:
      "The bookings of a facility that have become 30, 60 or 90 days unpaid on one local day: all in numbers, the largest by name.",
    aggregate: "facility",
    aggregateId: (data) => data.facilityId,
    data: {
      facilityId: Id,
      day: Day,
      count: Count,
      totals: Schema.Array(Schema.Struct({ stage: Stage, currency: Currency, count: Count, amount: Money })),
      debts: Schema.Array(
        Schema.Struct({
          bookingId: Id,
          bookerName: Text,
          startAt: Instant,
          stage: Stage,
          amount: Money,
          currency: Currency,
        }),
      ),
    },
    sample: {
      facilityId: example.facilityId,
      day: "2026-04-11",
      count: 2,
      totals: [
        { stage: "60_days", currency: "EUR", count: 1, amount: 3600 },
        { stage: "30_days", currency: "EUR", count: 1, amount: 2400 },
      ],
      debts: [
        {
          bookingId: example.waitlistEntryId,
          bookerName: "Ben Wolf",
          startAt: "2026-02-10T17:00:00.000Z",
          stage: "60_days",
          amount: 3600,
          currency: "EUR",
        },
        {
          bookingId: example.bookingId,
          bookerName: "Mia Keller",
          startAt: example.startAt,
          stage: "30_days",
          amount: 2400,
          currency: "EUR",
        },
      ],
    },
  }),
  define({
    type: "invoice.issued",
    origin: "slotbase",
    description: "A billing account has its invoice over what a local month left unpaid.",
    aggregate: "billing_account",
    aggregateId: (data) => data.billingAccountId,
    data: {
      invoiceId: Id,
      facilityId: Id,
      number: Text,
      ...asked,
      periodStart: Day,
      periodEnd: Day,
      bookings: Count,
      amount: Money,
      currency: Currency,
      dueOn: Day,
      ...payTo,
    },
    sample: {
      invoiceId: example.invoiceId,
      facilityId: example.facilityId,
      number: "INV-2026-00042",
      ...mother,
      periodStart: "2026-03-01",
      periodEnd: "2026-03-31",
      bookings: 3,
      amount: 7200,
      currency: "EUR",
      dueOn: "2026-04-15",
      ...club,
    },
  }),
  define({
    type: "facility.active_users_closed",
    origin: "slotbase",
    description: "A local month has ended: its monthly active users are final, and the count begins at zero.",
    aggregate: "facility",
    aggregateId: (data) => data.facilityId,
    data: {
      facilityId: Id,
      month: Day,
      users: Count,
      limit: Schema.optionalKey(Count),
      nextMonth: Day,
    },
    sample: { facilityId: example.facilityId, month: "2026-03-01", users: 212, limit: 250, nextMonth: "2026-04-01" },
  }),
] as const
