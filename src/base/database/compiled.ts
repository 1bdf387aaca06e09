/**
 * Statements put together from fragments once. The driver works through every fragment at each call: for a statement
 * of thirty fragments that costs more than sending it. A value that stands in several places is one parameter.
 */
import type postgres from "postgres"
import type { Queryable } from "./db.ts"

/** What the driver sends as a parameter. */
type Value = string | number | boolean | null | Date | readonly string[]

type Fragment = ReturnType<Queryable>

/** Stands in a statement where a value will be. */
export type Slots<Values> = { readonly [Name in keyof Values]: Fragment }

/**
 * Answers a function that runs the statement with the values of a call.
 * @param write puts the statement together, and is called once. A slot stands for each value. Any other value in the
 * statement is the same at every call.
 */
export function compiled<Values extends Readonly<Record<keyof Values, Value>>>(
  write: (sql: Queryable, slots: Slots<Values>) => postgres.PendingQuery<postgres.Row[]>,
) {
  let known: Flat | undefined
  return <Row extends object>(sql: Queryable, values: Values): postgres.PendingQuery<Row[]> => {
    known ??= flatten(write(sql, slots()))
    const parameters = known.parameters.map((each) => (each instanceof Slot ? values[each.name as keyof Values] : each))
    return sql.unsafe<Row[]>(known.text, parameters as never, { prepare: true })
  }
}

interface Flat {
  readonly text: string
  /** In the order of their numbers. */
  readonly parameters: readonly unknown[]
}

class Slot {
  constructor(readonly name: string) {}
}

const slots = <Values>() =>
  new Proxy(
    {},
    { get: (known: Record<string, Slot>, name: string) => (known[name] ??= new Slot(name)) },
  ) as unknown as Slots<Values>

/** Of the driver's query: the texts around its arguments (src/query.js of the pinned version). */
interface Parts {
  readonly strings: readonly string[]
  readonly args: readonly unknown[]
}

function flatten(statement: unknown): Flat {
  const parameters: unknown[] = []
  const textOf = (part: unknown): string => {
    if (isFragment(part)) return part.strings.reduce((text, next, n) => text + textOf(part.args[n - 1]) + next)
    if (!(part instanceof Slot) && !isConstant(part))
      throw new Error(`compiled: ${typeof part} is no part of a statement`)
    if (!parameters.includes(part)) parameters.push(part)
    return `$${parameters.indexOf(part) + 1}`
  }
  return { text: textOf(statement), parameters }
}

const isConstant = (part: unknown) => part === null || ["string", "number", "boolean"].includes(typeof part)

const isFragment = (part: unknown): part is Parts =>
  part instanceof Promise && "strings" in part && Array.isArray(part.strings)
