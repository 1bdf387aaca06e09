/**
 * `Idempotency-Key` as HTTP has it: the first answer, status and headers included, is given again to the same request.
 * The answers of domain errors are kept too (their own writes are rolled back to a savepoint); a 5xx never is.
 */

import { reached } from "#base/crash-points.ts"
import type { Tx } from "#base/database/transaction.ts"
import { InvalidInput, NotAuthenticated, StillInFlight, TooMany, Unavailable } from "#base/errors.ts"
import { type EventContext, setEventContext, transact } from "#events/outbox.ts"
import type { App } from "./app.ts"
import { bodyTextOf } from "./body.ts"
import type { ResponseSettings } from "./correlation.ts"
import { addEventIds, eventIdsHeader } from "./event-context.ts"
import { claimKey, findAnswer, type IdempotencyScope, keepAnswer } from "./idempotency-rows.ts"
import { type Answer, errorAnswerOf, Ready } from "./problems.ts"

export const maxKeyLength = 255
/** Visible ASCII: the characters of a token in a header. */
export const keyPattern = /^[\x21-\x7e]+$/u

export interface KeyedRequest {
  readonly key: string
  readonly request: Request
  readonly set: ResponseSettings
  readonly context: EventContext
  /** Undefined on the open routes; the key then belongs to the client's address. */
  readonly callerId: string | undefined
}

/**
 * Runs a command once per key, and otherwise gives its kept answer. Three steps: `before` outside of a transaction, the
 * command and its kept answer in one transaction, the answer to the client. With a known answer `before` does not run.
 */
export async function once<T, Prepared>(
  app: App,
  keyed: KeyedRequest,
  fn: (tx: Tx, prepared: Prepared) => Promise<T>,
  before: (() => Promise<Prepared>) | undefined,
): Promise<T> {
  const place = { scope: scopeOf(app, keyed), hash: hashOf(app, keyed) }
  const known = before && (await findAnswer(app.db, app.secrets, place.scope, place.hash))
  if (known !== undefined) return replay(keyed.set, known)
  const preparation = await prepare(before)
  const { result } = await transact(app.db, keyed.context, (tx) => runAndKeep(tx, app, keyed, place, preparation, fn))
  reached("before-answer")
  return answer(keyed.set, result)
}

/**
 * The result or the error of `before`. A refusal is kept like one of the command, so the command's transaction throws
 * it.
 */
type Preparation<Prepared> = { readonly prepared: Prepared | undefined } | { readonly refusal: unknown }

async function prepare<Prepared>(before: (() => Promise<Prepared>) | undefined): Promise<Preparation<Prepared>> {
  try {
    return { prepared: await before?.() }
  } catch (refusal) {
    return { refusal }
  }
}

/** Claims the key, runs the command in a savepoint, and keeps its answer or its domain error. */
async function runAndKeep<T, Prepared>(
  tx: Tx,
  { secrets }: App,
  { set, context }: KeyedRequest,
  { scope, hash }: Place,
  preparation: Preparation<Prepared>,
  fn: (tx: Tx, prepared: Prepared) => Promise<T>,
): Promise<Outcome<T>> {
  const known = await claimKey(tx, secrets, scope, hash)
  if (known !== undefined) return { known }
  reached("key-claimed")
  const keep = (answer: Answer) => keepAnswer(tx, secrets, scope, hash, answer.status, JSON.stringify(answer))
  try {
    const { result, eventIds } = await tx.savepoint(async (inner) => {
      const { events } = setEventContext(inner, context)
      if ("refusal" in preparation) throw preparation.refusal
      const result = await fn(inner, preparation.prepared as Prepared)
      return { result, eventIds: events.map(({ id }) => id) }
    })
    addEventIds(set, eventIds)
    await keep({ status: Number(set.status), headers: headersOf(set), body: result ?? null })
    return { result }
  } catch (error) {
    const answer = isKept(error) ? errorAnswerOf(error) : undefined
    if (!answer) throw error
    await keep({ ...answer, headers: { ...headersOf(set), ...answer.headers } })
    return { error }
  }
}

function answer<T>(set: ResponseSettings, outcome: Outcome<T>): T {
  if ("known" in outcome) return replay(set, outcome.known)
  if ("error" in outcome) throw outcome.error
  return outcome.result
}

/** Where an answer is kept, and of which request it is the answer. */
interface Place {
  readonly scope: IdempotencyScope
  readonly hash: Buffer
}

type Outcome<T> = { readonly known: string } | { readonly error: unknown } | { readonly result: T }

/** The headers that are part of an answer and are given again with it. */
const keptHeaders = [eventIdsHeader, "x-correlation-id", "cache-control", "location"]

const headersOf = (set: ResponseSettings) =>
  Object.fromEntries(
    keptHeaders.flatMap((name) => (set.headers[name] === undefined ? [] : [[name, String(set.headers[name])]])),
  )

function replay<T>(set: ResponseSettings, kept: string): T {
  const { status, headers, body } = JSON.parse(kept) as Answer
  const replayed = { ...headers, "idempotency-replayed": "true" }
  if (status >= 400) throw new Ready({ status, headers: replayed, body })
  set.status = status
  Object.assign(set.headers, replayed)
  return body as T
}

/**
 * After the first two errors a later request may succeed. The third is not kept, so that nobody without an account can
 * fill the table.
 */
const isKept = (error: unknown) =>
  !(
    error instanceof StillInFlight ||
    error instanceof TooMany ||
    error instanceof Unavailable ||
    error instanceof NotAuthenticated
  )

function scopeOf(app: App, { key, request, context, callerId }: KeyedRequest): IdempotencyScope {
  if (key.length > maxKeyLength || !keyPattern.test(key)) {
    const message = `Expected 1 to ${maxKeyLength} visible ASCII characters`
    throw new InvalidInput([{ path: "headers.Idempotency-Key", message }])
  }
  const anonymous = () => asUuid(app.secrets.fingerprint(context.clientIp ?? "unknown", "anonymous caller"))
  return { callerId: callerId ?? anonymous(), method: request.method, path: new URL(request.url).pathname, key }
}

/** Keyed, not a bare hash: a body may hold a password, which could be guessed from a bare hash. */
const hashOf = (app: App, { request }: KeyedRequest) =>
  app.secrets.fingerprint(`${new URL(request.url).search}\n${bodyTextOf(request)}`, "idempotent request")

const asUuid = (bytes: Buffer) =>
  bytes.toString("hex", 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")
