/**
 * The field schemas that all events share. Each carries its unit and meaning into the published JSON Schema.
 * Text that a jsonb column cannot hold (NUL, lone surrogates) is refused. A checked event cannot fail later, in the
 * middle of a transaction, because of its characters.
 */
import * as Schema from "effect/Schema"

const uuid = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

/** A UUID of any version, lower-case, as PostgreSQL prints it. */
export const Id = Schema.String.annotate({ description: "UUID, lower-case", format: "uuid" }).check(
  Schema.isPattern(new RegExp(`^${uuid}$`, "u"), { expected: "a lower-case UUID" }),
)

/** The actor: the id of a user or of an API key, or `system` when SlotBase acted by itself. */
export const ActorId = Schema.String.annotate({ description: "id of the user or API key, or system" }).check(
  Schema.isPattern(new RegExp(`^(?:system|${uuid})$`, "u"), { expected: 'a lower-case UUID or "system"' }),
)

const instantPattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?Z$/u

/** A UTC instant in ISO 8601, ending in Z, to the second or the millisecond. A date that no calendar has is refused. */
export const Instant = Schema.String.annotate({ description: "UTC instant, ISO 8601", format: "date-time" }).check(
  Schema.makeFilter((text: string) => instantPattern.test(text) && isOnCalendar(text), {
    expected: "a UTC instant such as 2026-03-01T09:00:00.000Z",
    toJsonSchema: () => [{ pattern: instantPattern.source }, true],
  }),
)

const dayPattern = /^\d{4}-\d{2}-\d{2}$/u

/** A calendar day of the facility's time zone. */
export const Day = Schema.String.annotate({ description: "calendar day at the facility", format: "date" }).check(
  Schema.makeFilter((text: string) => dayPattern.test(text) && isOnCalendar(`${text}T00:00:00Z`), {
    expected: "a day such as 2026-03-01",
    toJsonSchema: () => [{ pattern: dayPattern.source }, true],
  }),
)

const storable = Schema.makeFilter((text: string) => isStorable(text), {
  expected: "text without NUL and without lone surrogates",
  toJsonSchema: () => [{}, true],
})

/** Text that is never empty. */
export const Text = Schema.String.check(Schema.isMinLength(1), storable)

/** Free text of a person, such as a reason: may be empty. */
export const Note = Schema.String.check(storable)

export const Email = Schema.String.annotate({ description: "e-mail address", format: "email" }).check(
  Schema.isPattern(/^[^\s@]+@[^\s@]+$/u, { expected: "an e-mail address" }),
  storable,
)

export const Timezone = Schema.String.annotate({ description: "IANA time zone, such as Europe/Berlin" }).check(
  Schema.isMinLength(1),
  storable,
)

export const Currency = Schema.String.annotate({ description: "ISO 4217 code" }).check(
  Schema.isPattern(/^[A-Z]{3}$/u, { expected: "an ISO 4217 code of three capital letters" }),
)

/** An amount of money in minor units of its currency (cents, pence, yen), never negative. */
export const Money = Schema.Int.annotate({ description: "minor units of the currency" }).check(
  Schema.isGreaterThanOrEqualTo(0),
)

/** A change of an amount in minor units: negative is a credit. */
export const SignedMoney = Schema.Int.annotate({ description: "minor units of the currency; negative is a credit" })

/** A whole number of things. */
export const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** A measured quantity that cannot be negative and need not be whole. */
export const Quantity = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))
export const Minutes = Quantity.annotate({ description: "minutes" })
export const Seconds = Quantity.annotate({ description: "seconds" })
export const Milliseconds = Quantity.annotate({ description: "milliseconds" })

/** Any finite number: a level, a percentage. */
export const Measure = Schema.Finite

/** Any JSON object that jsonb can hold. */
export const JsonObject = Schema.JsonObject.check(
  Schema.makeFilter((value: Schema.JsonObject) => isStorableJson(value), {
    expected: "a JSON object without NUL and without lone surrogates",
    toJsonSchema: () => [{}, true],
  }),
)

/** `Date.parse` rolls 30 February over to March. The returned day must equal the given day. */
function isOnCalendar(instant: string): boolean {
  const milliseconds = Date.parse(instant)
  return !Number.isNaN(milliseconds) && new Date(milliseconds).toISOString().startsWith(instant.slice(0, 19))
}

function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes("\u0000")
}

function isStorableJson(value: Schema.Json): boolean {
  if (typeof value === "string") return isStorable(value)
  if (value === null || typeof value !== "object") return true
  return Object.entries(value).every(([key, inner]) => isStorable(key) && isStorableJson(inner))
}
