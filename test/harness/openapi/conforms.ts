// Checks a value against a JSON Schema, as far as this document uses schemas. Returns the faults, each with its place.

import { followed, type JsonSchema, type OpenApi } from "./document.ts"

export function faultsOf(document: OpenApi, given: JsonSchema, value: unknown, path = ""): string[] {
  const schema = followed(document, given)
  const inner = (part: JsonSchema, of: unknown, at: string) => faultsOf(document, part, of, `${path}${at}`)
  const fault = (what: string) => [`${path || "the value"} ${what}: ${JSON.stringify(value)?.slice(0, 80)}`]
  const choices = schema.anyOf ?? schema.oneOf
  if (choices && !choices.some((choice) => inner(choice, value, "").length === 0))
    return fault("is none of the choices")
  if (schema.enum && !schema.enum.some((one) => Bun.deepEquals(one, value))) return fault("is not in the list")
  if ("const" in schema && !Bun.deepEquals(schema.const, value)) return fault("is not the constant")
  if (schema.type !== undefined && ![schema.type].flat().some((type) => isOf(type, value))) {
    return fault(`is not of type ${schema.type}`)
  }
  const faults = (schema.allOf ?? []).flatMap((part) => inner(part, value, ""))
  if (typeof value === "string") faults.push(...faultsOfText(schema, value).flatMap(fault))
  if (typeof value === "number" && (value < (schema.minimum ?? value) || value > (schema.maximum ?? value))) {
    faults.push(...fault("is out of its range"))
  }
  if (Array.isArray(value)) faults.push(...value.flatMap((item, nth) => inner(itemOf(schema, nth), item, `[${nth}]`)))
  else if (typeof value === "object" && value !== null) faults.push(...faultsOfObject(value as Record<string, unknown>))
  return faults

  function faultsOfObject(object: Record<string, unknown>): string[] {
    const { properties = {}, required = [], additionalProperties = true } = schema
    const missing = required.filter((name) => !Object.hasOwn(object, name)).map((name) => `${path}.${name} is missing`)
    const wrong = Object.entries(object).flatMap(([name, part]) => {
      const known = Object.hasOwn(properties, name) ? properties[name] : undefined
      if (known !== undefined) return inner(known, part, `.${name}`)
      if (additionalProperties === false) return [`${path}.${name} is not in the schema`]
      return additionalProperties === true ? [] : inner(additionalProperties, part, `.${name}`)
    })
    return [...missing, ...wrong]
  }
}

const itemOf = ({ items, prefixItems }: JsonSchema, nth: number): JsonSchema => prefixItems?.[nth] ?? (items || {})

function faultsOfText({ minLength, maxLength, pattern }: JsonSchema, text: string): string[] {
  const faults: string[] = []
  if (text.length < (minLength ?? 0)) faults.push("is too short")
  if (text.length > (maxLength ?? text.length)) faults.push("is too long")
  if (pattern !== undefined && !new RegExp(pattern, "u").test(text)) faults.push(`does not match ${pattern}`)
  return faults
}

function isOf(type: string, value: unknown): boolean {
  if (type === "null") return value === null
  if (type === "array") return Array.isArray(value)
  if (type === "object") return typeof value === "object" && value !== null && !Array.isArray(value)
  if (type === "integer") return Number.isInteger(value)
  return typeof value === type
}
