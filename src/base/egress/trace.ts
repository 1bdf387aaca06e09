/**
 * What a request did on its way. It is filled in while the request goes on, so that it also tells of one that failed.
 * Times are milliseconds; a phase that did not happen has none, such as the connection of a reused one.
 */
export interface Trace {
  /** The head of the request as it was sent; undefined: nothing was sent. `headersIn` reads it. */
  head?: string
  /** The vetted address that was dialled last. */
  address?: string
  /** The request went over a connection that had carried others before. */
  isReused?: boolean
  /** Asking for the name. */
  dnsMs?: number
  /** The TCP handshake. */
  connectMs?: number
  tlsMs?: number
  /** From the last byte of the request to the first one of the answer. */
  firstByteMs?: number
  /** From there to the end of the answer, as far as it was read. */
  bodyMs?: number
}
