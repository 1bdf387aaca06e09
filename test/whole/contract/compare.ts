// Compares a JSON Schema with the Schema that decodes: both must take or refuse a value together. The decoder may be
// stricter by its rules alone (src/base/schema/rule.ts).

import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as SchemaIssue from "effect/SchemaIssue"
import { InvalidInput } from "#base/errors.ts"
import { decode, type InputSchema } from "#base/schema/decode.ts"
import { sentenceOf } from "#base/schema/rule.ts"

/** The rules by which values were refused that the document allows. */
export type MetRules = Set<string>

/** What differs; undefined when both agree. */
export function differenceOf(
  schema: InputSchema,
  where: "body" | "query",
  value: unknown,
  faults: readonly string[],
  met: MetRules,
): string | undefined {
  const refusal = refusalOf(schema, where, value)
  if ((refusal === undefined) === (faults.length === 0)) return undefined
  if (refusal === undefined) return `the document refuses it: ${faults.join(", ")}`
  const result = Schema.decodeUnknownResult(schema, { errors: "all", onExcessProperty: "error" })(value)
  const rules = Result.isFailure(result) ? rulesBehind(result.failure.issue) : undefined
  if (rules === undefined) return `the decoder refuses it: ${refusal}`
  for (const each of rules) met.add(each)
  return undefined
}

function refusalOf(schema: InputSchema, where: "body" | "query", value: unknown): string | undefined {
  try {
    decode(schema, value, where)
    return undefined
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error
    return error.faults.map(({ path, message }) => `${path} ${message}`).join(", ")
  }
}

/** The rules that an issue comes from; undefined when a part of it comes from anything else. */
function rulesBehind(issue: SchemaIssue.Issue): string[] | undefined {
  switch (issue._tag) {
    case "Filter": {
      const sentence = sentenceOf(issue.filter as Parameters<typeof sentenceOf>[0])
      return sentence === undefined ? undefined : [sentence]
    }
    case "Pointer":
    case "Encoding":
      return rulesBehind(issue.issue)
    case "Composite": {
      const parts = issue.issues.map(rulesBehind)
      return parts.every((part) => part !== undefined) ? parts.flat() : undefined
    }
    // One choice that only a rule refuses is enough: the document allows the value for its sake.
    case "AnyOf":
      return issue.issues.map(rulesBehind).find((part) => part !== undefined)
    default:
      return undefined
  }
}
