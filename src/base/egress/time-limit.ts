/**
 * Ends a request that does not end by itself: its time limit has passed, or its caller has given up.
 * All requests share a timer per limit and a listener per signal. A timer and a listener per request took 10 of the 20
 * µs that the guard adds to a fetch.
 */
import { type Call, Deadline } from "#base/deadline.ts"
import { RequestFailed } from "./failures.ts"

/**
 * The work's outcome, or a RequestFailed, whatever the work does with the signal that it is given.
 * The work fails as soon as the limit (milliseconds, and up to a twentieth more) has passed or the caller's signal is
 * aborted.
 */
export function withTimeLimit<T>(
  limitMs: number,
  caller: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const run = new Limited(deadlineOf(limitMs), caller && runsOf(caller), reject)
    if (caller?.aborted) run.giveUp()
    work(run.stop.signal).then(
      (value) => {
        run.end()
        resolve(value)
      },
      (error) => {
        run.end()
        reject(error)
      },
    )
  })
}

class Limited implements Call {
  readonly stop = new AbortController()

  constructor(
    readonly deadline: Deadline,
    readonly others: Set<Limited> | undefined,
    readonly reject: (failure: RequestFailed) => void,
  ) {
    deadline.start(this)
    others?.add(this)
  }

  expire(): void {
    this.fail(new RequestFailed("timed_out", `No complete answer within ${this.deadline.afterMs} ms.`))
  }

  giveUp(): void {
    this.fail(new RequestFailed("aborted", "The request was given up because the process stops."))
  }

  fail(failure: RequestFailed): void {
    this.end()
    this.reject(failure)
    this.stop.abort(failure)
  }

  end(): void {
    this.deadline.settle(this)
    this.others?.delete(this)
  }
}

/** The limits are constants of the program, so they are few. */
const deadlines = new Map<number, Deadline>()

function deadlineOf(limitMs: number): Deadline {
  const known = deadlines.get(limitMs)
  if (known) return known
  const deadline = new Deadline(limitMs)
  deadlines.set(limitMs, deadline)
  return deadline
}

const callers = new WeakMap<AbortSignal, Set<Limited>>()

function runsOf(caller: AbortSignal): Set<Limited> {
  const known = callers.get(caller)
  if (known) return known
  const runs = new Set<Limited>()
  callers.set(caller, runs)
  caller.addEventListener("abort", () => {
    for (const run of runs) run.giveUp()
  })
  return runs
}
