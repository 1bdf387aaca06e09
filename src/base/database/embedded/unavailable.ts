// The one error of the embedded database. Its message is a sentence with the problem and the remedy.

export type UnavailableReason = "already_running" | "unreachable" | "unsupported" | "port_taken" | "gone" | "failed"

export class EmbeddedUnavailable extends Error {
  readonly _tag = "EmbeddedUnavailable"
  override readonly name = "EmbeddedUnavailable"

  constructor(
    readonly reason: UnavailableReason,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}
