// A provocation makes the program pass a crash point that it does not pass by itself.

import { within } from "#scripts/chaos/fault.ts"
import type { SupervisedProcess } from "#scripts/chaos/supervised-process.ts"
import type { World } from "#scripts/chaos/world.ts"

export interface Provocation {
  /** Runs once when the crash point is armed. @param targets the processes that shall die at the crash point. */
  readonly before?: (targets: readonly SupervisedProcess[]) => Promise<unknown>
  /** Runs again and again until the round is over. */
  readonly again?: () => Promise<unknown>
  /** Undoes the provocation. */
  readonly after?: () => Promise<unknown>
}

export type Provoke = (world: World) => Provocation

/** A precondition of the fault did not come about, so the fault proves nothing. */
export class NotInflicted extends Error {
  readonly _tag = "NotInflicted"
}

/** Waits until the condition holds. Throws NotInflicted when the time is up. */
export async function waitFor(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  if (!(await within(waitMs, holds))) throw new NotInflicted(`${what} did not come about in ${waitMs} ms`)
}
/** Beside other work on two cores the slowest condition took three seconds. */
const waitMs = 15_000
