// Holds the answers that tests get against the document: a status that is documented, with a body of its schema. No
// answer holds a path of the machine or a stack.

import { type OpenApi, type Operation, operationsOf } from "./document.ts"
import { leaksIn } from "./leaks.ts"
import { validatorOf } from "./validator.ts"

interface GivenAnswer {
  readonly method: string
  /** The address, with or without its query. */
  readonly path: string
  readonly status: number
  readonly body: unknown
}

/** What the body must not hold, and what differs from the document. An address that it does not have differs not. */
export function answerFaults(document: OpenApi, answer: GivenAnswer): string[] {
  const where = `${answer.method} ${answer.path.split("?")[0]} → ${answer.status}`
  return [...leaksIn(answer.body).map((leak) => `${where}: ${leak}`), ...differences(document, answer, where)]
}

function differences(document: OpenApi, { method, path, status, body }: GivenAnswer, where: string): string[] {
  const operation = operationAt(document, method, path)
  if (operation === undefined) return []
  const promised = operation.responses[status]
  if (status >= 400)
    return validatorOf(document)
      .faultsOf(problem, body)
      .map((fault) => `${where}: ${fault}`)
  if (promised === undefined) return [`${where} is not in the document`]
  const schema = promised.content?.["application/json"]?.schema
  if (schema === undefined || body === undefined) return []
  return validatorOf(document)
    .faultsOf(schema, body)
    .map((fault) => `${where}: ${fault}`)
}

const problem = { $ref: "#/components/schemas/Problem" }

const known = new WeakMap<OpenApi, readonly (readonly [RegExp, Operation])[]>()

function operationAt(document: OpenApi, method: string, path: string): Operation | undefined {
  const patterns =
    known.get(document) ??
    operationsOf(document)
      // An address that is written out comes before one with a parameter in its place.
      .toSorted((a, b) => parametersIn(a.path) - parametersIn(b.path))
      .map((operation) => [new RegExp(`^${operation.path.replace(/\{[^}]+\}/g, "[^/]+")}$`), operation] as const)
  known.set(document, patterns)
  const [address = ""] = path.split("?")
  return patterns.find(([pattern, operation]) => operation.method === method && pattern.test(address))?.[1]
}

const parametersIn = (path: string) => path.split("{").length
