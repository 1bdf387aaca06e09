/**
 * Reads a company's own file (SLOTBASE_EXTENSIONS) at the start, and checks all of it. A mistake stops the start with
 * one sentence that says what to change.
 */
import { resolve } from "node:path"
import { editsBetween } from "#base/edits.ts"
import { type HookPoint, hookPoints } from "#base/hooks.ts"
import { catalogue, definitionOf } from "#events/catalogue.ts"
import { type AnyHook, createHooks } from "./create-hooks.ts"
import type { ExtensionHandler } from "./extension.ts"

export interface LoadedExtension {
  readonly handlers: readonly ExtensionHandler[]
  readonly hooks: readonly AnyHook[]
}

/** The file cannot be used; the message says what to change. */
export class BadExtension extends Error {
  readonly _tag = "BadExtension"
}

/** Bounds of a retry policy. A day is longer than any outage that a handler should sit out. */
export const retryBounds = {
  maxRetries: [0, 20],
  delayMs: [1, 86_400_000],
  maxDelayMs: [1, 86_400_000],
  backoffMultiplier: [1, 10],
} as const

export const noExtension: LoadedExtension = { handlers: [], hooks: [] }

/**
 * @param path of the file; a relative one counts from the folder of the process.
 * @param reserved names that belong to the program.
 */
export async function loadExtension(path: string, reserved: readonly string[]): Promise<LoadedExtension> {
  let module: Record<string, unknown>
  try {
    module = await import(resolve(path))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new BadExtension(`${path} cannot be read: ${reason}`)
  }
  return checkExtension(path, module, reserved)
}

/** Throws BadExtension. */
export function checkExtension(
  path: string,
  module: Readonly<Record<string, unknown>>,
  reserved: readonly string[],
): LoadedExtension {
  const refuse = (says: string): never => {
    throw new BadExtension(`${path}: ${says}`)
  }
  const exported = (isRecord(module.default) ? module.default : module) as Readonly<Record<string, unknown>>
  const unknown = Object.keys(exported).find((key) => !["handlers", "hooks", "default"].includes(key))
  if (unknown !== undefined) refuse(`it exports "${unknown}"; export only handlers and hooks.`)
  const { handlers = [], hooks = {} } = exported
  if (!Array.isArray(handlers)) return refuse("handlers is not a list.")
  if (!isRecord(hooks)) return refuse("hooks is not an object of hook points.")
  if (handlers.length === 0 && Object.keys(hooks).length === 0) refuse("it exports neither handlers nor hooks.")
  const names = new Set<string>()
  for (const handler of handlers) {
    const fault = faultOf(handler, reserved) ?? (names.has(handler.name) ? "stands twice in the list" : undefined)
    if (fault !== undefined) refuse(`the handler ${nameOf(handler)} ${fault}${fault.endsWith("?") ? "" : "."}`)
    names.add(handler.name)
  }
  return { handlers, hooks: hooksOf(path, hooks, refuse) }
}

function hooksOf(path: string, given: Readonly<Record<string, unknown>>, refuse: (says: string) => never) {
  const list = Object.entries(given).flatMap(([point, run]) => {
    if (!Object.hasOwn(hookPoints, point))
      refuse(`there is no hook point "${point}". There are: ${Object.keys(hookPoints).join(", ")}.`)
    return [run].flat().map((each, nth) => {
      if (typeof each !== "function") refuse(`the hook of ${point} is not a function.`)
      const name = `${baseOf(path)}:${point}${nth === 0 ? "" : `:${nth + 1}`}`
      return { point: point as HookPoint, name, run: each } as AnyHook
    })
  })
  return createHooks(list) as readonly AnyHook[]
}

/** What is wrong with a handler, as the end of a sentence. */
function faultOf(given: unknown, reserved: readonly string[]): string | undefined {
  if (!isRecord(given)) return "is not an object"
  const { name, kind, events, handle, retry = {} } = given
  if (typeof name !== "string" || !/^[A-Z][A-Za-z0-9]{2,59}$/.test(name))
    return "needs a name like GateHandler: 3 to 60 letters and digits, the first one a capital"
  if (reserved.includes(name)) return "has the name of a handler of SlotBase; choose another one"
  const unknown = Object.keys(given).find((key) => !["name", "kind", "events", "handle", "retry"].includes(key))
  if (unknown !== undefined) return `has the unknown field "${unknown}"`
  if (kind !== undefined && kind !== "external" && kind !== "transactional")
    return `has the kind "${kind}"; it is "external" or "transactional"`
  if (typeof handle !== "function") return "has no function handle"
  if (!Array.isArray(events) || events.length === 0) return "names no events"
  for (const [nth, type] of events.entries()) {
    if (definitionOf(String(type)) === undefined) return `names the unknown event "${type}"${nearestTo(type)}`
    if (events.indexOf(type) !== nth) return `names ${type} twice`
  }
  return isRecord(retry) ? retryFault(retry) : "has a retry that is not an object"
}

function retryFault(retry: Readonly<Record<string, unknown>>): string | undefined {
  for (const [field, value] of Object.entries(retry)) {
    if (!Object.hasOwn(retryBounds, field))
      return `has the unknown retry.${field}; there are ${Object.keys(retryBounds).join(", ")}`
    const [least, most] = retryBounds[field as keyof typeof retryBounds]
    const fits = typeof value === "number" && value >= least && value <= most
    if (!fits || (field !== "backoffMultiplier" && !Number.isInteger(value)))
      return `has retry.${field} ${value}; it is a${field === "backoffMultiplier" ? "" : " whole"} number from ${least} to ${most}`
  }
  const { delayMs = 1_000, maxDelayMs = 60_000 } = retry as { delayMs?: number; maxDelayMs?: number }
  return delayMs > maxDelayMs
    ? `waits ${delayMs} ms before the first retry, and at most ${maxDelayMs} ms: raise retry.maxDelayMs`
    : undefined
}

function nearestTo(type: unknown): string {
  const near = catalogue.find((each) => editsBetween(String(type), each.type) <= 3)
  return near === undefined ? ". GET /v1/event-types lists all events" : `. Did you mean ${near.type}?`
}

const nameOf = (given: unknown) => (isRecord(given) && typeof given.name === "string" ? given.name : "without a name")
const baseOf = (path: string) => path.replace(/^.*\//, "").replace(/\.\w+$/, "")
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)
