/**
 * A request to a server of calendars, through the one guard. The answers that mean the same everywhere become failures
 * here: wrong credentials, a pause, no answer.
 */
import { RequestFailed } from "#base/egress/failures.ts"
import { guardedFetch, type OutgoingAnswer } from "#base/egress/fetch.ts"
import { pauseAsked } from "#base/egress/retry-after.ts"
import { CalendarFailed, Throttled } from "./provider.ts"

export interface CalendarAccess {
  /** Networks that may be reached although they are not public. */
  readonly allow: readonly string[]
  readonly signal?: AbortSignal
  /** Milliseconds since the epoch, by which a Retry-After date is understood. */
  readonly now: () => number
  /** Of one request, milliseconds; default: 60 seconds. */
  readonly timeoutMs?: number
}

export interface AskedOfCalendar {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** The answer 401 says something of its own; default: that the credentials are refused. */
  readonly expects401?: boolean
  /** Whom a 429 pauses, by the body of its answer; default: all calendars at the host. */
  readonly throttleScope?: (body: string) => "host" | "calendar"
}

/** A busy CalDAV server takes half a minute to list a calendar of 10,000 events for the first time. */
const usualTimeoutMs = 60_000
/** A page of a hundred events with long descriptions, or the list of a calendar of 50,000 events. */
const maxAnswerBytes = 16 * 1024 * 1024
/** A server that asks for a pause and does not say how long. */
const usualPauseMs = 60_000

/** Also for one that says none at all, time and again. */
const shortestPauseMs = 5_000

/** Any answer but those above. @throws CalendarFailed, Throttled */
export async function askCalendar(
  url: string,
  { throttleScope, expects401 = false, ...asked }: AskedOfCalendar,
  access: CalendarAccess,
): Promise<OutgoingAnswer> {
  const { allow, signal, now, timeoutMs = usualTimeoutMs } = access
  const answer = await guardedFetch(url, {
    ...asked,
    ...(signal && { signal }),
    timeoutMs,
    maxResponseBytes: maxAnswerBytes,
    allow,
  }).catch((error: unknown) => {
    if (error instanceof RequestFailed) throw new CalendarFailed("unreachable", error.message, { cause: error })
    throw error
  })
  const { status, headers, bodyEnd } = answer
  if (status === 429 || status === 503)
    throw new Throttled(
      Math.max(shortestPauseMs, pauseAsked(headers["retry-after"], now()) ?? usualPauseMs),
      `The server answered ${status}.`,
      status === 429 ? throttleScope?.(bodyEnd === "complete" ? answer.body : "") : undefined,
    )
  if (status === 401 && !expects401)
    throw new CalendarFailed("credentials_refused", "The server refuses the credentials (401).")
  // 501 is the answer to a method that a server does not know.
  if (status >= 500 && status !== 501) throw new CalendarFailed("unreachable", `The server answered ${status}.`)
  if (bodyEnd !== "complete") throw new CalendarFailed("not_understood", `The answer of the server is ${bodyEnd}.`)
  return answer
}
