// A fault: what it does to the world, and what it answers for the table.

import type { World } from "./world.ts"

export interface Fault {
  readonly name: string
  /** What it does, one sentence. */
  readonly sentence: string
  /** Part of the short form. */
  readonly short?: true
  /** Its share of the processes that are to die; undefined: it kills as many as it does. */
  readonly share?: number
  /** Work must be done elsewhere within this time; undefined: it is printed only, and must be done at all. */
  readonly recoverWithinMs?: number
  /** PostgreSQL is away for longer than processes wait for it: they may end by themselves, which is a trouble of any other fault. */
  readonly mayGiveUp?: true
  /**
   * Inflicts it while the customers are busy, and comes back when the cause is gone.
   * @param kills so many processes should die, for faults that kill any number.
   */
  readonly inflict: (world: World, options: { kills: number; short: boolean }) => Promise<Inflicted>
}

export interface Inflicted {
  /** How often it was inflicted. */
  readonly times: number
  /** Of each time, milliseconds. */
  readonly recoveredMs: readonly number[]
  /** What went wrong beside the promises, as sentences. */
  readonly troubles?: readonly string[]
  /** What else is worth knowing. */
  readonly note?: string
}

/** A killed process: its work is running elsewhere in so long (design.md). */
export const killedWithinMs = 5_000
/** Nobody waits longer for work to be done. */
export const givesUpAfterMs = 60_000

/** Waits until it is so; false when the time is up. */
export async function within(withinMs: number, isSo: () => boolean | Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + withinMs
  while (!(await isSo())) {
    if (performance.now() > deadline) return false
    await Bun.sleep(pollMs)
  }
  return true
}

const pollMs = 10
