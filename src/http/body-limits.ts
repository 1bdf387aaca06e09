/** The limits of request bodies. Each route has one of these, and its description names it. */
import type { Complexity } from "./complexity.ts"

export interface BodyLimits extends Complexity {
  /** Bytes of the body as it is sent. */
  readonly bytes: number
}

const kib = 1024

/** The largest bodies that the Schemas allow are computed in `test/http/body-limits.test.ts`. */
export const bodyLimits = {
  /** Routes for everybody. The largest body, a registration, has 3.3 KB and 8 values. */
  open: { bytes: 8 * kib, depth: 8, elements: 100 },
  /** The largest body, a booking policy, has 57 KB and 1,400 values. */
  usual: { bytes: 64 * kib, depth: 16, elements: 1_500 },
  /** Long texts: feedback (125 KB), webhooks with their headers and templates. */
  large: { bytes: 256 * kib, depth: 16, elements: 1_000 },
  /** A file as one text: an import of members (1.4 MB, when every character is an emoji in escapes). */
  file: { bytes: 1_536 * kib, depth: 4, elements: 10 },
  /** Notifications of Microsoft Graph, of which some hundred come together. */
  notification: { bytes: 256 * kib, depth: 8, elements: 10_000 },
  /** What Stripe sends. It is parsed and not checked with a Schema, which costs most. */
  stripe: { bytes: 256 * kib, depth: 16, elements: 5_000 },
} as const satisfies Record<string, BodyLimits>

export type BodySize = keyof typeof bodyLimits
