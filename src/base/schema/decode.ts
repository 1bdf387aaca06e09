/**
 * Decodes input from outside once, at the edge, with an effect Schema. Unknown fields are refused.
 * Text that PostgreSQL cannot hold (NUL, lone surrogates) is refused everywhere, whatever the Schema says.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { type Fault, InvalidInput } from "#base/errors.ts"
import { idSpellingOf } from "./id-spelling.ts"

/** A Schema that needs no service, so that decoding is a plain synchronous call. */
export type InputSchema<T = unknown> = Schema.ConstraintCodec<T, unknown, never, never>

/** Enough to mend a request. A body with thousands of faults must not cause an answer with as many. */
export const maxFaults = 50
/** No body of this API is deeper than four. */
const maxDepth = 32

/** Decodes a value; every fault names its place below `where`, such as "body.startAt". Throws InvalidInput. */
export function decode<T>(schema: InputSchema<T>, value: unknown, where: "body" | "query"): T {
  const odd: Fault[] = []
  collectOddText(value, where, 0, odd)
  if (odd.length > 0) throw new InvalidInput(odd)
  const result = decoderOf(schema)(value)
  if (Result.isSuccess(result)) return result.success as T
  const { issues } = format(result.failure.issue)
  throw new InvalidInput(
    issues.slice(0, maxFaults).map(({ path, message }) => ({ path: dotted(where, path), message })),
  )
}

const decoders = new WeakMap<object, ReturnType<typeof compile>>()
const compile = (schema: InputSchema) => {
  const decoder = Schema.decodeUnknownResult(schema, { errors: "all", onExcessProperty: "error" })
  const spelling = idSpellingOf(schema)
  return spelling ? (value: unknown) => decoder(spelling(value)) : decoder
}

function decoderOf(schema: InputSchema): ReturnType<typeof compile> {
  const known = decoders.get(schema)
  if (known) return known
  const decoder = compile(schema)
  decoders.set(schema, decoder)
  return decoder
}

const format = SchemaIssue.makeFormatterStandardSchemaV1()

/** An answer repeats no more of a name that the caller has made up. */
const maxNameShown = 100

const dotted = (where: string, path: readonly unknown[] | undefined) =>
  [where, ...(path ?? []).map((part) => shown(String(part)))].join(".")

const shown = (name: string) => (name.length > maxNameShown ? `${name.slice(0, maxNameShown)}…` : name)

function collectOddText(value: unknown, path: string, depth: number, faults: Fault[]): void {
  if (faults.length >= maxFaults) return
  if (typeof value === "string") {
    if (isOdd(value)) faults.push({ path, message: "Expected text without NUL and without lone surrogates" })
  } else if (typeof value === "object" && value !== null) {
    if (depth >= maxDepth) {
      faults.push({ path, message: `Expected a value that is nested at most ${maxDepth} deep` })
      return
    }
    for (const key in value) {
      if (isOdd(key)) faults.push({ path, message: "Expected names without NUL and without lone surrogates" })
      else collectOddText((value as Record<string, unknown>)[key], `${path}.${shown(key)}`, depth + 1, faults)
    }
  }
}

const isOdd = (text: string) => text.includes("\u0000") || !text.isWellFormed()
