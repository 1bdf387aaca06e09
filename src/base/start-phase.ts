/**
 * What the start of this process waits for. The listener is open from the first moment. Until the start is over,
 * /readyz answers with the phase, and every other request gets a 503.
 */

let phase: string | undefined

export const startPhase = {
  /** One sentence, such as "The process is still starting." */
  begin(says: string): void {
    phase = says
  },
  over(): void {
    phase = undefined
  },
  /** Undefined when the start is over. */
  says: (): string | undefined => phase,
}
