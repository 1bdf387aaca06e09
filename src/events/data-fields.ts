/**
 * The fields in the data of an event type, by their path, as its JSON Schema has them. A path through a list means each
 * of its elements. Pure.
 */
import { type EventType, eventJsonSchemaOf } from "./catalogue.ts"

export interface DataField {
  /** `anything`: below an object whose fields the catalogue does not know. */
  readonly kind: "string" | "number" | "boolean" | "object" | "anything"
  readonly isInstant: boolean
  readonly isDay: boolean
  /** The only values that the field has, if they are listed. */
  readonly values?: readonly unknown[]
}

/** Undefined when data of that type never has such a field. @param path the names below `data` */
export function dataFieldOf(type: EventType, path: readonly string[]): DataField | undefined {
  let schema = schemaOf(type)
  for (const name of path) {
    schema = elementOf(schema)
    if (schema.type === "object" && schema.properties === undefined) return anything
    // Own properties alone: every object has a `constructor`.
    const properties = schema.properties ?? {}
    if (!Object.hasOwn(properties, name)) return undefined
    schema = properties[name] as Json
  }
  return fieldOf(elementOf(schema))
}

interface Json {
  readonly type?: string
  readonly format?: string
  readonly enum?: readonly unknown[]
  readonly items?: Json
  readonly properties?: Readonly<Record<string, Json>>
}

function schemaOf(type: EventType): Json {
  const known = schemas.get(type)
  if (known) return known
  const made: Json = eventJsonSchemaOf(type)
  schemas.set(type, made)
  return made
}
/** At most one for each type of the catalogue. */
const schemas = new Map<EventType, Json>()

const anything: DataField = { kind: "anything", isInstant: false, isDay: false }

function elementOf(schema: Json): Json {
  let element = schema
  while (element.type === "array" && element.items) element = element.items
  return element
}

function fieldOf({ type, format, enum: values }: Json): DataField {
  const kind = type === "integer" ? "number" : type
  if (kind !== "string" && kind !== "number" && kind !== "boolean" && kind !== "object") return anything
  return { kind, isInstant: format === "date-time", isDay: format === "date", ...(values && { values }) }
}
