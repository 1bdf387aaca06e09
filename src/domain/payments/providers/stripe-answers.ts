/**
 * The form of Stripe's answers and reports. Stripe's SDK checks none: it takes the JSON of any status for the object
 * that was asked for, unless the JSON has a field `error`. What is not of the form says nothing about an outcome.
 */
import * as Schema from "effect/Schema"

const idOf = (...prefixes: readonly string[]) =>
  Schema.String.check(Schema.isPattern(new RegExp(`^(?:${prefixes.join("|")})_[A-Za-z0-9_]{1,250}$`, "u")))
const optional = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))
const Metadata = optional(Schema.Record(Schema.String, Schema.String))

const Intent = Schema.Struct({
  id: idOf("pi"),
  object: Schema.Literal("payment_intent"),
  status: Schema.String,
  /** Our ids, as we gave them. */
  metadata: Metadata,
  last_payment_error: optional(
    Schema.Struct({
      code: optional(Schema.String),
      decline_code: optional(Schema.String),
      message: optional(Schema.String),
    }),
  ),
})
const Refund = Schema.Struct({
  id: idOf("re", "pyr"),
  object: Schema.Literal("refund"),
  status: optional(Schema.String),
  amount: Schema.Int,
  payment_intent: optional(Schema.Union([Schema.String, Schema.Struct({ id: Schema.String })])),
  metadata: Metadata,
  failure_reason: optional(Schema.String),
})
const Method = Schema.Struct({
  // Cards that were made with Stripe's older forms keep their older ids.
  id: idOf("pm", "card", "src"),
  object: Schema.Literal("payment_method"),
  type: Schema.String,
  card: optional(Schema.Struct({ brand: Schema.String, last4: Schema.String })),
})
const Customer = Schema.Struct({ id: idOf("cus"), object: Schema.Literal("customer") })
const Event = Schema.Struct({
  id: idOf("evt"),
  object: Schema.Literal("event"),
  type: Schema.String,
  data: Schema.Struct({ object: Schema.Record(Schema.String, Schema.Unknown) }),
})
const listOf = <S extends Schema.Constraint>(object: "list" | "search_result", item: S) =>
  Schema.Struct({ object: Schema.Literal(object), data: Schema.Array(item) })

export type StripeIntent = typeof Intent.Type
export type StripeRefund = typeof Refund.Type
export type StripeEvent = typeof Event.Type

/** An answer or a report that is not of its form. */
export class NotStripes extends Error {
  readonly _tag = "NotStripes"
}

/** All of these throw NotStripes. */
export const readIntent = reader("a payment intent", Intent)
export const readIntents = reader("a result of a search", listOf("search_result", Intent))
export const readRefund = reader("a refund", Refund)
export const readRefunds = reader("a list of refunds", listOf("list", Refund))
export const readMethod = reader("a payment method", Method)
export const readCustomer = reader("a customer", Customer)
export const readReport = reader("an event", Event)

/** The message names no value of the answer: it may hold what people typed. */
function reader<S extends Schema.ConstraintDecoder<unknown>>(what: string, schema: S): (answer: unknown) => S["Type"] {
  const decode = Schema.decodeUnknownSync(schema)
  return (answer) => {
    try {
      return decode(answer)
    } catch {
      throw new NotStripes(`What Stripe sent is not ${what}.`)
    }
  }
}
