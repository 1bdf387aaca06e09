/**
 * The headers of the booking page. Only the page's own script runs, by a nonce of this answer. Nothing is loaded from
 * another address, except Stripe's card field where Stripe takes the payments. Only the sites that the facility names
 * may hold the page in a frame.
 */

export interface PolicyFacts {
  readonly nonce: string
  /** The origins that may hold the page in a frame. */
  readonly embedOrigins: readonly string[]
  readonly takesStripe: boolean
  /** The page's own origin with the scheme of WebSocket: older Safari does not count it as 'self'. */
  readonly socketOrigin: string
}

export function bookingPageHeaders(facts: PolicyFacts): Record<string, string> {
  return {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": policyOf(facts),
    "cache-control": "private, no-store",
    "referrer-policy": "strict-origin-when-cross-origin",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(self)",
    ...(facts.embedOrigins.length === 0 && { "x-frame-options": "DENY" }),
  }
}

function policyOf({ nonce, embedOrigins, takesStripe, socketOrigin }: PolicyFacts): string {
  const stripe = (...addresses: readonly string[]) => (takesStripe ? addresses : [])
  const directives: readonly (readonly string[])[] = [
    ["default-src", "'none'"],
    // 'strict-dynamic': the parts that the script itself loads. A script that somebody injects has no nonce.
    ["script-src", `'nonce-${nonce}'`, "'strict-dynamic'"],
    ["style-src", "'self'", `'nonce-${nonce}'`],
    ["img-src", "'self'", "data:", ...stripe("https://*.stripe.com")],
    ["connect-src", "'self'", socketOrigin, ...stripe("https://api.stripe.com")],
    ["worker-src", "'self'"],
    ...(takesStripe ? [["frame-src", "https://js.stripe.com", "https://hooks.stripe.com"]] : []),
    ["form-action", "'self'"],
    ["base-uri", "'none'"],
    ["frame-ancestors", ...(embedOrigins.length === 0 ? ["'none'"] : ["'self'", ...embedOrigins])],
  ]
  return directives.map((each) => each.join(" ")).join("; ")
}
