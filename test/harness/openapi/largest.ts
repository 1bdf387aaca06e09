// The largest value that a JSON Schema allows: its bytes as JSON, its values and its depth. Infinite where the Schema
// sets no end; the places of those are named.

export interface Largest {
  readonly bytes: number
  readonly elements: number
  readonly depth: number
}

interface JsonSchema {
  readonly type?: string
  readonly $ref?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly allOf?: readonly JsonSchema[]
  readonly items?: JsonSchema
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: boolean | JsonSchema
  readonly format?: string
  readonly pattern?: string
  readonly maxLength?: number
  readonly maxItems?: number
  readonly maxProperties?: number
}

/** Four bytes of UTF-8 for each character. Escapes such as `\u0041` are longer, and nobody needs them. */
const bytesPerCharacter = 4
const bytesOfNumber = 24
/** Formats of a fixed length: an instant with nine decimals and an offset is the longest. */
const bytesOfFormat: Readonly<Record<string, number>> = { uuid: 38, date: 12, "date-time": 37 }

/** @param components The Schemas that a `$ref` may name. */
export function largestOf(schema: object, components: object): Largest & { readonly unbounded: readonly string[] } {
  const unbounded: string[] = []
  const noEnd = (place: string) => {
    unbounded.push(place)
    return Number.POSITIVE_INFINITY
  }

  function largest(given: JsonSchema, place: string, seen: readonly string[]): Largest {
    if (given.$ref !== undefined) {
      if (seen.includes(given.$ref)) return { bytes: noEnd(place), elements: 1, depth: 0 }
      const target = (components as Record<string, JsonSchema>)[given.$ref.split("/").at(-1) ?? ""] ?? {}
      return largest(target, place, [...seen, given.$ref])
    }
    const either = given.anyOf ?? given.oneOf
    if (either) return widest(either.map((each) => largest(each, place, seen)))
    if (given.enum) return leaf(Math.max(...given.enum.map((value) => JSON.stringify(value).length)))
    if ("const" in given) return leaf(JSON.stringify(given.const).length)
    const limit = (name: "maxLength" | "maxItems" | "maxProperties") =>
      Math.min(...[given, ...(given.allOf ?? [])].map((each) => each[name] ?? Number.POSITIVE_INFINITY))
    switch (given.type) {
      case "string":
        return leaf(2 + bytesOfText(given, limit("maxLength"), () => noEnd(place)))
      case "array": {
        const count = Number.isFinite(limit("maxItems")) ? limit("maxItems") : noEnd(place)
        return repeated(count, largest(given.items ?? {}, `${place}[]`, seen), 1)
      }
      case "object": {
        const fields = Object.entries(given.properties ?? {}).map(([name, field]) => {
          const value = largest(field, `${place}.${name}`, seen)
          return { ...value, bytes: value.bytes + name.length + 4 }
        })
        const more = given.additionalProperties
        if (more !== false) {
          const count = Number.isFinite(limit("maxProperties")) ? limit("maxProperties") : noEnd(place)
          const value = largest(typeof more === "object" ? more : {}, `${place}.*`, seen)
          fields.push(repeated(count, { ...value, bytes: value.bytes + bytesOfMadeUpName }, 0))
        }
        return {
          bytes: 2 + sum(fields.map((field) => field.bytes)),
          elements: 1 + sum(fields.map((field) => field.elements)),
          depth: 1 + Math.max(0, ...fields.map((field) => field.depth)),
        }
      }
      case "number":
      case "integer":
        return leaf(bytesOfNumber)
      case "boolean":
      case "null":
        return leaf(5)
      default:
        return { bytes: noEnd(place), elements: 1, depth: 0 }
    }
  }

  return { ...largest(schema as JsonSchema, "body", []), unbounded }
}

/** Header names and the like have at most 100 characters. */
const bytesOfMadeUpName = 104

function bytesOfText(schema: JsonSchema, maxLength: number, noEnd: () => number): number {
  if (Number.isFinite(maxLength)) return maxLength * bytesPerCharacter
  if (schema.format !== undefined && bytesOfFormat[schema.format] !== undefined)
    return bytesOfFormat[schema.format] ?? 0
  const patterns = [schema, ...(schema.allOf ?? [])].flatMap((each) => each.pattern ?? [])
  const bounded = patterns.find((pattern) => !mayRepeatForEver(pattern))
  return bounded === undefined ? noEnd() : lengthOf(bounded)
}

/** Anchored, and without `*`, `+` or `{n,}` outside of character classes. */
const mayRepeatForEver = (pattern: string) =>
  !/^\^[\s\S]*\$$/.test(pattern) || /[*+]|\{\d+,\}/.test(pattern.replace(/\\.|\[(?:\\.|[^\]])*\]/g, "c"))

/** An upper bound: each group and class counts as often as it may repeat. */
const lengthOf = (pattern: string) =>
  [...pattern.matchAll(/\{(?:\d+,)?(\d+)\}/g)].reduce((total, [, most]) => total + Number(most), pattern.length)

const leaf = (bytes: number): Largest => ({ bytes, elements: 1, depth: 0 })
const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0)
const widest = (all: readonly Largest[]): Largest => ({
  bytes: Math.max(...all.map(({ bytes }) => bytes)),
  elements: Math.max(...all.map(({ elements }) => elements)),
  depth: Math.max(...all.map(({ depth }) => depth)),
})
const repeated = (count: number, each: Largest, deeper: number): Largest => ({
  bytes: 2 + count * (each.bytes + 1),
  elements: deeper + count * each.elements,
  depth: deeper + each.depth,
})
