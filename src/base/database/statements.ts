// The driver's tagged template and its companions. Every query that they make passes through a guard first.
import type postgres from "postgres"

/**
 * The source is asked again for each statement, because it may change.
 * Values that are no queries (identifiers, lists of columns) pass the guard unchanged.
 */
export function statements(source: () => postgres.ISql, guard: <Value>(value: Value) => Value): postgres.ISql {
  const { json, typed, types } = source()
  const template = (first: never, ...rest: never[]) => guard(source()(first, ...rest))
  const unsafe = (text: string, ...rest: never[]) => guard(source().unsafe(text, ...rest))
  const file = (path: string, ...rest: never[]) => guard(source().file(path, ...rest))
  // The pool that fetched the types knows the type of an array.
  const array = (value: never, type?: number) => source().array(value, type)
  return Object.assign(template, { unsafe, file, array, json, typed, types }) as unknown as postgres.ISql
}
