/** A setting that cannot be used; the message says what to set. */
export class BadConfig extends Error {
  readonly _tag = "BadConfig"
}
