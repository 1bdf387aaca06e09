/**
 * Conditions of a webhook on the data of its events. All must hold. Each is checked against the catalogue when the
 * webhook is saved, and all become one predicate, which PostgreSQL evaluates at dispatch. Pure.
 * - A condition on a field that an event does not have does not hold, except `exists` with the value false.
 * - A path through a list holds when it holds for any of the elements.
 */
import * as Schema from "effect/Schema"
import type { Fault } from "#base/errors.ts"
import { rule } from "#base/schema/rule.ts"
import { linesUpTo } from "#base/schema/text-fields.ts"
import { BookingType } from "#domain/booking/input.ts"
import type { EventType } from "#events/catalogue.ts"
import { type DataField, dataFieldOf } from "#events/data-fields.ts"

/** All conditions of a webhook are one predicate, evaluated for each event of its types. */
const maxConditions = 10
/** No type of the catalogue is deeper. */
const maxDepth = 4
const maxValues = 20
const maxValueLength = 100
const maxPathLength = 200

export const conditionOperators = ["equals", "in", "greater", "less", "exists", "prefix"] as const
type Operator = (typeof conditionOperators)[number]

const Scalar = Schema.Union([linesUpTo(maxValueLength), Schema.Finite, Schema.Boolean])
type Scalar = typeof Scalar.Type
const Values = Schema.Array(Scalar).check(Schema.isMinLength(1), Schema.isMaxLength(maxValues))

export const Condition = Schema.Struct({
  path: Schema.String.annotate({ description: "a field of the event's data, such as data.priceAmount" }).check(
    Schema.isMaxLength(maxPathLength),
    Schema.isPattern(new RegExp(`^data(?:\\.[A-Za-z][A-Za-z0-9_]*){1,${maxDepth}}$`, "u"), {
      expected: `a path such as data.priceAmount, at most ${maxDepth} names deep`,
    }),
  ),
  operator: Schema.Literals(conditionOperators),
  value: Schema.optionalKey(Schema.Union([Scalar, Values])).annotateKey({
    description: "for in a list; for exists true (unless given) or false",
  }),
}).check(
  rule(
    "a condition takes a list for in, a number or text for greater and less, text for prefix, a boolean for exists",
    ({ operator, value }: { readonly operator: Operator; readonly value?: Scalar | readonly Scalar[] }) => {
      const expected = suits[operator](value)
      return expected === undefined ? undefined : { path: ["value"], issue: `Expected ${expected}` }
    },
  ),
)
export type Condition = typeof Condition.Type

export const Conditions = Schema.Array(Condition).check(Schema.isMaxLength(maxConditions))

type Value = Condition["value"]
const isList = (value: Value): value is readonly Scalar[] => Array.isArray(value)

/** What the operator needs, when the value is something else. */
const suits: Record<Operator, (value: Value) => string | undefined> = {
  equals: (value) => (value === undefined || isList(value) ? "one value" : undefined),
  in: (value) => (isList(value) ? undefined : "a list of values"),
  greater: (value) => (typeof value === "number" || typeof value === "string" ? undefined : "a number or text"),
  less: (value) => (typeof value === "number" || typeof value === "string" ? undefined : "a number or text"),
  exists: (value) => (value === undefined || typeof value === "boolean" ? undefined : "true or false"),
  prefix: (value) => (typeof value === "string" && value !== "" ? undefined : "text that is not empty"),
}

/** The faults of conditions for these event types: paths that none of them has, and values that no such field has. */
export function conditionFaults(types: readonly EventType[], conditions: readonly Condition[]): readonly Fault[] {
  return conditions.flatMap((condition, index) => {
    const fields = fieldsOf(types, condition)
    const at = `body.filters.conditions.${index}`
    if (fields.length === 0)
      return [{ path: `${at}.path`, message: `None of the chosen event types has ${condition.path}` }]
    const unfit = fields.map(({ type, field }) => ({ type, fault: misfit(condition, field) }))
    const [first] = unfit
    // One type in which the condition can hold is enough.
    if (first?.fault === undefined || unfit.some(({ fault }) => fault === undefined)) return []
    return [{ path: `${at}.${first.fault.at}`, message: `${condition.path} of ${first.type} ${first.fault.says}` }]
  })
}

/** The types whose events can never fulfil all of the conditions. */
export const typesThatNeverFit = (types: readonly EventType[], conditions: readonly Condition[]): EventType[] =>
  types.filter((type) =>
    conditions.some((condition) => {
      const [only] = fieldsOf([type], condition)
      return only ? misfit(condition, only.field) !== undefined : !isAbsence(condition)
    }),
  )

/** One jsonpath predicate on the data of an event; null when there are no conditions. */
export const predicateOf = (conditions: readonly Condition[]): string | null =>
  conditions.length === 0 ? null : conditions.map((condition) => `(${partOf(condition)})`).join(" && ")

const isAbsence = ({ operator, value }: Condition) => operator === "exists" && value === false
const namesOf = ({ path }: Condition) => path.split(".").slice(1)

function fieldsOf(types: readonly EventType[], condition: Condition) {
  return types.flatMap((type) => {
    const field = dataFieldOf(type, namesOf(condition))
    return field ? [{ type, field }] : []
  })
}

type Misfit = { readonly at: "operator" | "value"; readonly says: string } | undefined

function misfit(condition: Condition, field: DataField): Misfit {
  const { operator, value } = condition
  const name = namesOf(condition).at(-1) ?? ""
  if (operator === "exists" || field.kind === "anything") return undefined
  if (field.kind === "object") return { at: "operator", says: "is an object, which only exists can look at" }
  if (field.kind === "boolean" && (operator === "greater" || operator === "less"))
    return { at: "operator", says: "is true or false, and has no order" }
  if (operator === "prefix" && field.kind !== "string")
    return { at: "operator", says: `is a ${field.kind}, and has no prefix` }
  const values = isList(value) ? value : [value]
  if (!values.every((each) => typeof each === field.kind))
    return { at: "value", says: `is ${field.kind === "string" ? "text" : `a ${field.kind}`}` }
  const known = field.values ?? valuesByName[name]
  const isKnown = (each: unknown) =>
    operator === "prefix" ? known?.some((one) => String(one).startsWith(String(each))) : known?.includes(each)
  const mustBeKnown = known !== undefined && operator !== "greater" && operator !== "less"
  if (mustBeKnown && !values.every(isKnown)) return { at: "value", says: `is one of ${known.join(", ")}` }
  if (operator === "prefix") return undefined
  if (field.isInstant && !values.every((each) => instantOf(each) !== undefined))
    return { at: "value", says: "is an instant such as 2026-03-01T09:00:00.000Z" }
  if (
    field.isDay &&
    !values.every((each) => dayPattern.test(String(each)) && instantOf(`${each}T00:00:00Z`) !== undefined)
  )
    return { at: "value", says: "is a day such as 2026-03-01" }
  return undefined
}

/** Fields that are text in the catalogue, and whose values are known all the same. */
const valuesByName: Readonly<Record<string, readonly unknown[]>> = { bookingType: BookingType.literals }

const dayPattern = /^\d{4}-\d{2}-\d{2}$/u
const instantPattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?Z$/u

/** The form in which the program records instants, so that their order is that of their texts. */
function instantOf(value: Value): string | undefined {
  if (typeof value !== "string" || !instantPattern.test(value)) return undefined
  const at = new Date(value)
  if (Number.isNaN(at.getTime())) return undefined
  const text = at.toISOString()
  // 30 February would be 2 March.
  return text.slice(0, 10) === value.slice(0, 10) ? text : undefined
}

function partOf(condition: Condition): string {
  const { operator, value } = condition
  const field = `$${namesOf(condition)
    .map((name) => `.${JSON.stringify(name)}`)
    .join("")}`
  switch (operator) {
    case "equals":
      return `${field} == ${literal(value)}`
    case "in":
      return (isList(value) ? value : []).map((each) => `${field} == ${literal(each)}`).join(" || ")
    case "greater":
      return `${field} > ${literal(value)}`
    case "less":
      return `${field} < ${literal(value)}`
    case "prefix":
      return `${field} starts with ${JSON.stringify(value)}`
    case "exists":
      return value === false ? `!(exists(${field}))` : `exists(${field})`
  }
}

/** The literals of jsonpath are those of JSON. */
const literal = (value: Value) => JSON.stringify(instantOf(value) ?? value)
