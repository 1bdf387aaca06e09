/**
 * Rules of the input that no JSON Schema can say, such as an end after its start. Each carries its sentence, which the
 * OpenAPI document shows. A test accepts no other difference between the document and the decoder.
 */
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"

const key = "slotbase/rule"

/** A fault of a rule: its place below the value, and what is wrong there. */
export interface RuleFault {
  readonly path: readonly PropertyKey[]
  readonly issue: string
}

/**
 * @param says One sentence in the present tense for the readers of the document, without a full stop.
 * @param check Whether the value keeps the rule, the rule's fault, or all its faults.
 * @param expected What a value that breaks the rule should have been, when `check` gives no text of its own.
 */
export const rule = <T>(says: string, check: (value: T) => Kept, expected?: string) =>
  Schema.makeFilter(check, {
    ...(expected !== undefined && { expected }),
    [key]: says,
    toJsonSchema: () => [{}, true],
  })

/** A rule that a JSON Schema does say, such as "either this field or that one". The two must mean the same. */
export const saidRule = <T>(json: Record<string, unknown>, check: (value: T) => Kept) =>
  Schema.makeFilter(check, { toJsonSchema: () => json })

type Kept = boolean | string | RuleFault | readonly RuleFault[] | undefined

/** The sentence of a check that is a rule; undefined for a check that the JSON Schema says. */
export const sentenceOf = (check: SchemaAST.Check<never>): string | undefined =>
  check.annotations?.[key] as string | undefined

/** The sentences of all rules in a Schema, each once. */
export const sentencesOf = (schema: Schema.Constraint): string[] => [...new Set(collect(schema.ast))]

function collect(ast: SchemaAST.AST): string[] {
  const own = (ast.checks ?? []).flatMap((check) => sentenceOf(check as SchemaAST.Check<never>) ?? [])
  return [...partsOf(ast).flatMap(collect), ...own]
}

function partsOf(ast: SchemaAST.AST): readonly SchemaAST.AST[] {
  switch (ast._tag) {
    case "Objects":
      return [
        ...ast.propertySignatures.map(({ type }) => type),
        ...ast.indexSignatures.flatMap(({ parameter, type }) => [parameter, type]),
      ]
    case "Arrays":
      return [...ast.elements, ...ast.rest]
    case "Union":
      return ast.types
    default:
      return []
  }
}
