/** The kinds of fields in the specification's table, each with the JSON Schema that the catalogue must have for it. */
export type Kind = keyof typeof kinds | readonly string[] | { readonly of: Fields }
export interface Fields {
  readonly [field: string]: Kind
}

const uuid = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
const id = { type: "string", description: "UUID, lower-case", format: "uuid", pattern: `^${uuid}$` }
const text = { type: "string", minLength: 1 }
const largest = Number.MAX_SAFE_INTEGER
const quantity = { type: "number", minimum: 0 }

/** The JSON Schema of each kind. */
export const kinds = {
  id,
  ids: { type: "array", items: id },
  actor: {
    type: "string",
    description: "id of the user or API key, or system",
    pattern: `^(?:system|${uuid})$`,
  },
  instant: {
    type: "string",
    description: "UTC instant, ISO 8601",
    format: "date-time",
    pattern: "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(?:\\.\\d{1,3})?Z$",
  },
  day: {
    type: "string",
    description: "calendar day at the facility",
    format: "date",
    pattern: "^\\d{4}-\\d{2}-\\d{2}$",
  },
  text,
  texts: { type: "array", items: text },
  note: { type: "string" },
  email: { type: "string", description: "e-mail address", format: "email", pattern: "^[^\\s@]+@[^\\s@]+$" },
  timezone: { type: "string", description: "IANA time zone, such as Europe/Berlin", minLength: 1 },
  currency: { type: "string", description: "ISO 4217 code", pattern: "^[A-Z]{3}$" },
  money: { type: "integer", minimum: 0, maximum: largest, description: "minor units of the currency" },
  signedMoney: {
    type: "integer",
    minimum: -largest,
    maximum: largest,
    description: "minor units of the currency; negative is a credit",
  },
  count: { type: "integer", minimum: 0, maximum: largest },
  quantity,
  minutes: { ...quantity, description: "minutes" },
  seconds: { ...quantity, description: "seconds" },
  milliseconds: { ...quantity, description: "milliseconds" },
  number: { type: "number" },
  boolean: { type: "boolean" },
  object: { type: "object" },
} as const

/** The closed JSON Schema of a row of the table. */
export function expectedSchema(fields: Fields): Record<string, unknown> {
  const names = Object.keys(fields)
  const required = names.filter((name) => !name.endsWith("?"))
  return {
    type: "object",
    properties: Object.fromEntries(names.map((name) => [name.replace("?", ""), schemaOf(fields[name] as Kind)])),
    required,
    additionalProperties: false,
  }
}

function schemaOf(kind: Kind): unknown {
  if (typeof kind === "string") return kinds[kind]
  if ("of" in kind) return { type: "array", items: expectedSchema(kind.of) }
  return { type: "string", enum: kind }
}
