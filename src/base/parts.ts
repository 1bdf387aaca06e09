/**
 * The parts of this process that run by themselves, and the state of each. The supervisor of a part reports here.
 * /healthz, /readyz and /metrics show the parts. A reason is a sentence of ours: it never quotes a failure, because
 * strangers may read it.
 */

/**
 * - well: the part does its work.
 * - restarting: the part has failed, and its supervisor starts it again. The process still serves.
 * - ill: the part does not work, and without it the process cannot serve.
 */
export type PartState = "well" | "restarting" | "ill"

export interface Part {
  readonly part: string
  readonly state: PartState
  /** One sentence; none while the part is well. */
  readonly reason?: string
  /** A stable code for some reasons, such as storage_full. */
  readonly code?: string
  /** How often the part was started again in this process. */
  readonly restarts: number
}

/** The code of an actor whose last pass failed. */
export const passFailed = "pass_failed"

interface Kept {
  state: PartState
  reason?: string
  code?: string
  restarts: number
  /** On the monotonic timer, milliseconds: when it was last well. */
  wellUntil?: number
}

/** A part before a change of its state. */
export interface Before {
  readonly code: string | undefined
  /** How long it had not been well. */
  readonly sinceMs: number
}

const known = new Map<string, Kept>()
let onChange: ((part: Part, before: Before) => void) | undefined

export const parts = {
  /** The part works. A repeated report changes nothing. */
  well(part: string): void {
    const kept = known.get(part)
    if (kept?.state === "well") return
    known.set(part, { state: "well", restarts: kept?.restarts ?? 0 })
    if (kept !== undefined) onChange?.({ part, state: "well", restarts: kept.restarts }, beforeOf(kept))
  },
  restarting(part: string, reason: string, code?: string): void {
    report(part, "restarting", reason, code)
  },
  ill(part: string, reason: string, code?: string): void {
    report(part, "ill", reason, code)
  },
  /** Counts a restart; the state stays. */
  restarted(part: string): void {
    const kept = known.get(part) ?? { state: "well" as const, restarts: 0 }
    known.set(part, { ...kept, restarts: kept.restarts + 1 })
  },
  /** The part has ended with its owner, and is no longer watched. */
  forget(part: string): void {
    known.delete(part)
  },
  get(part: string): Part | undefined {
    const kept = known.get(part)
    return kept && shown(part, kept)
  },
  /** Called at each change of a state or code, for the log. One function at most. */
  onChange(called: (part: Part, before: Before) => void): void {
    onChange = called
  },
  /** In the order in which the parts were first reported. */
  list(): readonly Part[] {
    return [...known].map(([part, kept]) => shown(part, kept))
  },
}

function report(part: string, state: PartState, reason: string, code?: string): void {
  const before = known.get(part)
  const wellUntil = before?.wellUntil ?? performance.now()
  const kept: Kept = { state, reason, ...(code !== undefined && { code }), restarts: before?.restarts ?? 0, wellUntil }
  known.set(part, kept)
  if (before?.state !== state || before.code !== code) onChange?.(shown(part, kept), beforeOf(before))
}

const shown = (part: string, { wellUntil, ...kept }: Kept): Part => ({ part, ...kept })

const beforeOf = (kept: Kept | undefined): Before => ({
  code: kept?.code,
  sinceMs: kept?.wellUntil === undefined ? 0 : performance.now() - kept.wellUntil,
})
