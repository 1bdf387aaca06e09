// A fault: how it is inflicted on the world, and its result for the table.

import type { World } from "./world.ts"

export interface Fault {
  readonly name: string
  /** One sentence: the effect of the fault. */
  readonly sentence: string
  /** The fault is part of the short form. */
  readonly short?: true
  /** The integrators rest meanwhile: the fault counts attempts, or measures the speed. */
  readonly alone?: true
  /** The fault's share of the kills of a campaign; undefined: the fault decides itself how many it kills. */
  readonly share?: number
  /** Limit for the recovery; undefined: the time is only printed, and the general limit `givesUpAfterMs` holds. */
  readonly recoverWithinMs?: number
  /**
   * Inflicts the fault while the customers are busy. Resolves when the cause is gone.
   * @param kills how many processes should die, for faults with a share.
   */
  readonly inflict: (world: World, options: { kills: number; short: boolean }) => Promise<Inflicted>
}

export interface Inflicted {
  /** How often the fault was inflicted. */
  readonly times: number
  /** Processes that died at the crash point of the fault. */
  readonly killedThere?: number
  /** How long each recovery took, milliseconds. */
  readonly recoveredMs: readonly number[]
  /** A sentence for each thing that went wrong, besides broken promises. */
  readonly troubles?: readonly string[]
  /** A remark for the table. */
  readonly note?: string
  /** The reason why this machine cannot have the fault. The summary names the fault. */
  readonly leftOut?: string
}

/** The work of a killed process must be done elsewhere within this time. */
export const killedWithinMs = 5_000
/** A part of the system that died must work again within this time. */
export const partWithinMs = 10_000
/** The longest wait for any recovery. */
export const givesUpAfterMs = 60_000

/** Waits until the condition holds; answers false when the time is up. */
export async function within(withinMs: number, holds: () => boolean | Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > deadline) return false
    await Bun.sleep(pollMs)
  }
  return true
}

const pollMs = 10
