/** The input of a closure: two instants, or whole local days of the facility. */
import * as Schema from "effect/Schema"
import { Id, Instant, LocalDay, WrittenNote } from "#base/schema/request-fields.ts"
import { rule } from "#base/schema/rule.ts"

/** A year. A facility that is closed longer has ended. */
const maxClosureDays = 366
/** A facility closes as a whole instead of naming more resources. */
const maxClosedResources = 200
const dayMs = 86_400_000

export const ClosureInput = Schema.Struct({
  startAt: Schema.optionalKey(Instant),
  endAt: Schema.optionalKey(Instant),
  startDate: Schema.optionalKey(LocalDay).annotateKey({ description: "the first whole local day, instead of startAt" }),
  endDate: Schema.optionalKey(LocalDay).annotateKey({
    description: "the last whole local day, included; default: startDate",
  }),
  resourceIds: Schema.optionalKey(
    Schema.Array(Id).check(Schema.isMinLength(1), Schema.isMaxLength(maxClosedResources), Schema.isUnique()),
  ).annotateKey({ description: "what is closed; left out: the whole facility" }),
  reason: WrittenNote,
  cancelBookings: Schema.optionalKey(Schema.Boolean).annotateKey({
    description: "cancels what is booked and releases what is held in this time; left out: it is only answered",
  }),
}).check(
  rule(
    `a closure has startAt and endAt, or startDate (and endDate), in this order, and at most ${maxClosureDays} days`,
    faultsOf,
  ),
)
export type ClosureInput = typeof ClosureInput.Type

interface Given {
  readonly startAt?: string
  readonly endAt?: string
  readonly startDate?: string
  readonly endDate?: string
}

function faultsOf({ startAt, endAt, startDate, endDate = startDate }: Given) {
  if (startAt === undefined && endAt === undefined && startDate !== undefined && endDate !== undefined) {
    if (endDate < startDate) return [{ path: ["endDate"], issue: "must not be before startDate" }]
    const days = (Date.parse(endDate) - Date.parse(startDate)) / dayMs + 1
    return days > maxClosureDays ? [{ path: ["endDate"], issue: tooLong }] : []
  }
  if (startDate !== undefined || endDate !== undefined || startAt === undefined || endAt === undefined) {
    return [{ path: ["startAt"], issue: "name startAt and endAt, or startDate (and endDate)" }]
  }
  const days = (Date.parse(endAt) - Date.parse(startAt)) / dayMs
  if (days <= 0) return [{ path: ["endAt"], issue: "must be after startAt" }]
  return days > maxClosureDays ? [{ path: ["endAt"], issue: tooLong }] : []
}

const tooLong = `a closure has at most ${maxClosureDays} days`
