/** A bound on how long the statements of a transaction wait for locks. */
import type { Tx } from "./transaction.ts"

/** @param ms 0: as long as the statement may take */
export const limitWaits = (tx: Tx, ms: number) => tx`select set_config('lock_timeout', ${`${ms}ms`}, true)`

export const isLockTimeout = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "55P03"
