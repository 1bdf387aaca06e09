/**
 * The supervisor of pg-boss. Its loops run inside the library, so they are judged by the statements that they send.
 * pg-boss is started anew, with its queues and schedules, when it is silent, or when its errors go on. A database that
 * does not answer is no fault of pg-boss. When starts do not help, `failed` resolves and the process ends.
 */
import { troubleOf } from "#base/database/errors.ts"
import { parts } from "#base/parts.ts"
import type { Boss, OnStatement } from "./boss.ts"

export const bossPart = "pg-boss"

/** Opens pg-boss. The watcher hears of its errors and of its statements. */
export type OpenBoss = (onError: (error: Error) => void, onStatement: OnStatement) => Promise<Boss>

export interface WatchedBoss extends Pick<Boss, "serve" | "stop"> {
  /** Resolves with the reason when pg-boss cannot be healed. */
  readonly failed: Promise<Error>
}

export interface BossTimes {
  /** How long pg-boss may send no statement. */
  readonly silentAtMostMs: number
  /** One error may be a passing one. Errors that go on for so long, with shorter pauses, are not. */
  readonly erringAtMostMs: number
  readonly pauseMs: number
  readonly lookEveryMs: number
}

/** The workers of each queue ask every two seconds. */
const usualTimes: BossTimes = { silentAtMostMs: 5_000, erringAtMostMs: 3_000, pauseMs: 3_000, lookEveryMs: 1_000 }
/** Errors of the database with shorter pauses belong to one outage, which is one line of the log. */
const outageMs = 15_000
/** Each start takes a second. So pg-boss is well again or given up within half a minute. */
const startsAtMost = 5
const startsWithinMs = 60_000

/** @param report one sentence for each error of pg-boss. */
export async function superviseBoss(
  open: OpenBoss,
  report: (cause: string) => void,
  { silentAtMostMs, erringAtMostMs, pauseMs, lookEveryMs }: BossTimes = usualTimes,
): Promise<WatchedBoss> {
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>()
  let [inFlight, lastAt] = [0, performance.now()]
  let erring: { readonly since: number; last: number } | undefined
  let served: Parameters<Boss["serve"]> | undefined
  let [starting, ended, generation] = [false, false, 0]
  const starts: number[] = []
  let troubledAt = Number.NEGATIVE_INFINITY

  function noteError(error: Error): void {
    const now = performance.now()
    if (troubleOf(error) !== undefined) {
      // Each of its workers meets the same trouble, every two seconds.
      if (now - troubledAt > outageMs) report(error.message)
      troubledAt = now
      return
    }
    report(error.message)
    if (erring === undefined || now - erring.last > pauseMs) erring = { since: now, last: now }
    else erring.last = now
  }

  /** Reports of an abandoned pg-boss do not count. */
  function openNext(): Promise<Boss> {
    const own = ++generation
    inFlight = 0
    lastAt = performance.now()
    erring = undefined
    return open(
      (error) => own === generation && noteError(error),
      (change) => {
        if (own !== generation) return
        inFlight += change
        lastAt = performance.now()
      },
    )
  }

  let boss: Boss | undefined = await openNext()
  parts.well(bossPart)

  /** What is wrong with pg-boss, as the end of a sentence. */
  function fault(): string | undefined {
    const now = performance.now()
    if (boss === undefined) return "did not start"
    if (erring !== undefined && erring.last - erring.since > erringAtMostMs && now - erring.last < pauseMs)
      return "fails again and again"
    if (served !== undefined && inFlight === 0 && now - lastAt > silentAtMostMs) return "asks for nothing any more"
    return undefined
  }

  async function startAnew(what: string): Promise<void> {
    parts.restarting(bossPart, `pg-boss ${what}, and is started anew.`)
    try {
      await boss?.abandon()
      boss = undefined
      boss = await openNext()
      if (served !== undefined) await boss.serve(...served)
      parts.restarted(bossPart)
    } catch (error) {
      noteError(error as Error)
      if (troubleOf(error) !== undefined) return
    }
    const now = performance.now()
    starts.push(now)
    if (starts.filter((at) => at > now - startsWithinMs).length < startsAtMost) return
    clearInterval(timer)
    parts.ill(bossPart, "pg-boss does not heal.")
    fail(new Error(`pg-boss ${what}, and ${startsAtMost} starts did not help.`))
  }

  const timer = setInterval(async () => {
    if (starting || ended) return
    const what = fault()
    if (what === undefined) return parts.well(bossPart)
    starting = true
    await startAnew(what)
    starting = false
  }, lookEveryMs)

  return {
    failed,
    serve: async (...given) => {
      await boss?.serve(...given)
      served = given
    },
    stop: async (timeoutMs) => {
      ended = true
      clearInterval(timer)
      while (starting) await Bun.sleep(10)
      parts.forget(bossPart)
      await boss?.stop(timeoutMs)
    },
  }
}
