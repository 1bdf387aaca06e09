// Transactions that a command rolls back on purpose.

export class RolledBack extends Error {}

/** Waits for the rollback; passes every other error on. */
export const rolledBack = (work: Promise<unknown>): Promise<void> =>
  work.then(
    () => {
      throw new Error("it was committed")
    },
    (error: unknown) => {
      if (!(error instanceof RolledBack)) throw error
    },
  )
