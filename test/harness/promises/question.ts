// A question about a promise: it has no rows while the promise is kept.

export interface Question {
  readonly promise: string
  readonly what: string
  /** The query runs when it is awaited. */
  readonly rows: PromiseLike<readonly Record<string, unknown>[]>
}

export const ask = (promise: string, what: string, rows: Question["rows"]): Question => ({ promise, what, rows })
