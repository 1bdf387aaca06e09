/**
 * One spelling of ids: a UUID may come in either case, and is compared, kept and answered in lower case. What a Schema
 * marks as a UUID is put into lower case before it is checked. So no comparison and no check for uniqueness meets two
 * spellings of one id.
 */
import type * as SchemaAST from "effect/SchemaAST"

type Spelling = (value: unknown) => unknown

/** A value with the ids of its Schema in lower case. Undefined: the Schema has no ids. */
export const idSpellingOf = (schema: { readonly ast: SchemaAST.AST }): Spelling | undefined => spellingOf(schema.ast, 0)

/** No body of this API is deeper. */
const deepest = 32

function spellingOf(ast: SchemaAST.AST, depth: number): Spelling | undefined {
  if (depth > deepest) return undefined
  switch (ast._tag) {
    case "String":
      return isUuid(ast) ? lower : undefined
    case "Arrays": {
      const item = ast.rest[0] && spellingOf(ast.rest[0], depth + 1)
      return item && ((value) => (Array.isArray(value) ? value.map(item) : value))
    }
    case "Objects": {
      const fields = ast.propertySignatures.flatMap(({ name, type }) => {
        const spelling = spellingOf(type, depth + 1)
        return spelling && typeof name === "string" ? [[name, spelling] as const] : []
      })
      return fields.length === 0 ? undefined : (value) => respelled(value, fields)
    }
    case "Union": {
      const members = ast.types.flatMap((type) => spellingOf(type, depth + 1) ?? [])
      // Each member changes only values of its own shape, and a change to one spelling never harms another member.
      return members.length === 0 ? undefined : (value) => members.reduce((now, member) => member(now), value)
    }
    default:
      return undefined
  }
}

const isUuid = ({ annotations }: SchemaAST.AST) => annotations?.format === "uuid"

const lower: Spelling = (value) => (typeof value === "string" ? value.toLowerCase() : value)

/** A copy, so that the caller's value stays as it came. */
function respelled(value: unknown, fields: readonly (readonly [string, Spelling])[]): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value
  const copy: Record<string, unknown> = { ...value }
  for (const [name, spelling] of fields) if (Object.hasOwn(copy, name)) copy[name] = spelling(copy[name])
  return copy
}
