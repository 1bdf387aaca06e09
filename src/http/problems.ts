/**
 * Every failure as a problem document (RFC 9457). One exhaustive table gives status, title and code of each domain
 * error. A new error does not compile until the table has it. Any other failure is a 503 with a cause while the
 * database or a disk cannot do its work, and a 500 otherwise. It is logged, with its correlation id, and tells the
 * caller nothing internal.
 */
import { Elysia } from "elysia"
import { type DatabaseTrouble, isUnsent, troubleOf, troubles } from "#base/database/errors.ts"
import { noteTrouble } from "#base/database/trouble.ts"
import type { AnyDomainError } from "#base/errors.ts"
import { parts } from "#base/parts.ts"
import { type DiskTrouble, diskTroubleOf, diskTroubles } from "#base/storage/trouble.ts"
import { correlationIdOf, type ResponseSettings } from "./correlation.ts"
import { logFailure } from "./log-failure.ts"
import { rateHeadersIn, rateHeadersOf } from "./rate-headers.ts"

export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  /** Stable: programs branch on it. */
  readonly code: string
  readonly [more: string]: unknown
}

/** An answer that is ready to be sent. An Idempotency-Key keeps the same form. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

/** Thrown to send an answer that exists already: one that was kept under an Idempotency-Key. */
export class Ready extends Error {
  constructor(readonly answer: Answer) {
    super(`answered ${answer.status}`)
  }
}

/** A failure of the request in terms of HTTP, which the domain does not know. */
export class BadRequest extends Error {
  constructor(
    readonly status: 400 | 404 | 405 | 412 | 413 | 414 | 415 | 422 | 460,
    readonly code: string,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message)
  }
}

/** The answer to an error of the domain or of the request's form; undefined for anything else. */
export function errorAnswerOf(error: unknown): Answer | undefined {
  if (error instanceof BadRequest) {
    return problem(error.status, titles[error.status], error.code, error.message, undefined, error.headers)
  }
  if (!isDomainError(error)) return undefined
  const rule = table[error._tag] as Rule<AnyDomainError>
  return problem(rule.status, rule.title, rule.code(error), error.message, rule.more?.(error), rule.headers?.(error))
}

/** Turns everything that a route throws into its problem document. */
export const problems = () =>
  new Elysia({ name: "problems" }).onError({ as: "global" }, ({ error, code, request, set, route }) => {
    const answer = answerTo(error, code) ?? unexpected(error, { request, set, route })
    return responseOf(answer, { request, set })
  })

/** For Bun's server: whatever is thrown outside of the routes. Its own page would show source code and paths. */
export function failureOutsideRoutes(error: unknown): Response {
  const context = { request: new Request("http://localhost/"), set: { headers: {} }, route: "" }
  return responseOf(answerTo(error, "") ?? unexpected(error, context), context)
}

export function responseOf(answer: Answer, context: { request: Request; set: ResponseSettings }): Response {
  return new Response(JSON.stringify(answer.body), {
    status: answer.status,
    headers: {
      "x-correlation-id": correlationIdOf(context),
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "content-type": "application/problem+json",
      ...rateHeadersIn(context.set),
      ...answer.headers,
    },
  })
}

interface Rule<E> {
  readonly status: number
  readonly title: string
  readonly code: (error: E) => string
  readonly more?: (error: E) => Record<string, unknown>
  readonly headers?: (error: E) => Record<string, string>
}

const table: { readonly [Tag in AnyDomainError["_tag"]]: Rule<Extract<AnyDomainError, { readonly _tag: Tag }>> } = {
  InvalidInput: {
    status: 422,
    title: "Invalid input",
    code: () => "invalid_input",
    more: ({ faults }) => ({ errors: faults }),
  },
  RuleBroken: {
    status: 422,
    title: "Against a rule",
    code: ({ code }) => code,
    more: ({ faults, more }) => ({ ...(faults.length > 0 && { errors: faults }), ...more }),
  },
  NotAuthenticated: {
    status: 401,
    title: "Not authenticated",
    code: () => "not_authenticated",
    headers: () => ({ "www-authenticate": 'Bearer realm="slotbase"' }),
  },
  NotAllowed: { status: 403, title: "Not allowed", code: () => "not_allowed" },
  NotFound: { status: 404, title: "Not found", code: () => "not_found" },
  SlotTaken: {
    status: 409,
    title: "Slot taken",
    code: () => "slot_taken",
    more: ({ conflicts, alternatives }) => ({ conflicts, alternatives }),
  },
  CoachTaken: {
    status: 409,
    title: "Coach taken",
    code: () => "coach_taken",
    more: ({ conflicts, alternatives }) => ({ conflicts, alternatives }),
  },
  OccurrencesRefused: {
    status: 409,
    title: "Occurrences refused",
    code: () => "occurrences_refused",
    more: ({ occurrences }) => ({ occurrences }),
  },
  WrongState: { status: 409, title: "Wrong state", code: ({ code }) => code },
  BlockedByHook: {
    status: 422,
    title: "Blocked by a hook",
    code: () => "blocked_by_hook",
    more: ({ hook }) => ({ hook }),
  },
  StillInFlight: {
    status: 409,
    title: "Still in flight",
    code: () => "still_in_flight",
    headers: ({ retryAfterSeconds }) => ({ "retry-after": String(retryAfterSeconds) }),
  },
  TooMany: {
    status: 429,
    title: "Too many requests",
    code: () => "too_many_requests",
    headers: ({ retryAfterSeconds, standing }) => ({
      "retry-after": String(retryAfterSeconds),
      ...(standing && rateHeadersOf(standing)),
    }),
  },
  Unavailable: {
    status: 503,
    title: "Unavailable",
    code: ({ code }) => code,
    headers: ({ retryAfterSeconds }) => ({ "retry-after": String(retryAfterSeconds) }),
  },
}

const titles: Readonly<Record<BadRequest["status"], string>> = {
  400: "Bad request",
  404: "Not found",
  405: "Method not allowed",
  412: "Precondition failed",
  413: "Body too large",
  414: "Address too long",
  415: "Unsupported media type",
  422: "Invalid input",
  // Of tus, for want of a registered one.
  460: "Checksum mismatch",
}

function answerTo(error: unknown, code: unknown): Answer | undefined {
  if (error instanceof Ready) return error.answer
  const known = errorAnswerOf(error)
  if (known) return known
  if (code === "NOT_FOUND") return problem(404, "Not found", "not_found", "There is no such address; see /openapi.")
  // Elysia wraps what a parser throws.
  if (code === "PARSE" && error instanceof Error && error.cause instanceof Error && error.cause !== error) {
    return answerTo(error.cause, "")
  }
  if (code === "VALIDATION") return problem(422, titles[422], "invalid_input", "The request is not valid.")
  return undefined
}

function unexpected(error: unknown, context: { request: Request; set: ResponseSettings; route: string }): Answer {
  const ofDatabase = troubleOf(error)
  const trouble = ofDatabase ?? diskTroubleOf(error)
  // A lasting trouble of the database is one line in the log, not one for each request.
  if (!noteTrouble(ofDatabase))
    logFailure(error, { correlationId: correlationIdOf(context), method: context.request.method, route: context.route })
  if (trouble !== undefined) return unavailable(trouble, isUnsent(error))
  const detail = "Something went wrong on our side. Name the X-Correlation-ID when you report it."
  return problem(500, "Internal error", "internal_error", detail)
}

/** A 503 with its cause. The seconds are those after which asking again makes sense. */
function unavailable(trouble: DatabaseTrouble | DiskTrouble, unsent: boolean): Answer {
  const { refused } = { ...troubles, ...diskTroubles }[trouble]
  // The watcher of the embedded database may know why there is no answer.
  const isFull = trouble === "database_unavailable" && parts.get("database")?.code === "storage_full"
  const code = isFull ? "storage_full" : trouble
  const { says, lasting } = { ...troubles, ...diskTroubles }[code]
  const outcome =
    refused || unsent
      ? "Nothing of the request was kept; ask again in a moment."
      : "Whether the request was carried out is not known; ask again in a moment."
  return problem(503, "Unavailable", code, `${says} ${outcome}`, undefined, { "retry-after": lasting ? "10" : "2" })
}

function problem(
  status: number,
  title: string,
  code: string,
  detail: string,
  more: Record<string, unknown> = {},
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const body: Problem = {
    type: `urn:slotbase:problem:${code}`,
    title,
    status,
    detail: detail || `${title}.`,
    code,
    ...more,
  }
  return { status, headers, body }
}

const isDomainError = (error: unknown): error is AnyDomainError =>
  error instanceof Error && "_tag" in error && typeof error._tag === "string" && Object.hasOwn(table, error._tag)
