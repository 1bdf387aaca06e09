/**
 * What the start of this process waits for. The listener is open from the first moment. Until the start is over,
 * /readyz answers with the phase, and every other request gets a 503.
 */

let phase: string | undefined
let ended = Promise.withResolvers<void>()

export const startPhase = {
  /** One sentence, such as "The process is still starting." */
  begin(says: string): void {
    if (phase === undefined) ended = Promise.withResolvers<void>()
    phase = says
  },
  over(): void {
    phase = undefined
    ended.resolve()
  },
  /** Resolves when the start is over. */
  end: (): Promise<void> => (phase === undefined ? Promise.resolve() : ended.promise),
  /** Undefined when the start is over. */
  says: (): string | undefined => phase,
}
