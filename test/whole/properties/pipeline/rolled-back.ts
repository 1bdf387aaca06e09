// Transactions that end in a rollback because a command wants it.

export class RolledBack extends Error {}

/** Waits for the rollback; any other failure fails. */
export const rolledBack = (work: Promise<unknown>): Promise<void> =>
  work.then(
    () => {
      throw new Error("it was committed")
    },
    (error: unknown) => {
      if (!(error instanceof RolledBack)) throw error
    },
  )
