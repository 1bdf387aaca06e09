/**
 * Stripe's own SDK, behind the one guard of everything that leaves the process, and the amounts in Stripe's units.
 * The SDK sends nothing a second time. The job payment-resolution asks again about a request without an answer.
 */
import Stripe from "stripe"
import type { StripeConfig } from "#base/config.ts"
import { RequestFailed } from "#base/egress/failures.ts"
import { guardedFetch } from "#base/egress/fetch.ts"
import { isMovable } from "#base/money.ts"

/**
 * A request that pays waits this long, milliseconds. The payer must get an answer before their connection is given
 * up.
 */
const timeoutMs = 8_000
/** A list of refunds with all their fields stays below 200 KiB. */
const maxAnswerBytes = 1024 * 1024

/** @param allow networks that may be reached although they are not public, for a Stripe of one's own on this machine */
export function stripeClient({ secretKey, apiBase }: StripeConfig, allow: readonly string[]): Stripe {
  const { protocol, hostname, port } = new URL(apiBase)
  const guarded = async (
    url: string,
    init: { method?: string; headers?: [string, string][]; body?: unknown; signal?: AbortSignal },
  ) => {
    const { status, headers, body } = await guardedFetch(url, {
      method: init.method ?? "GET",
      headers: Object.fromEntries(new Headers(init.headers ?? [])),
      ...(typeof init.body === "string" && { body: init.body }),
      ...(init.signal && { signal: init.signal }),
      timeoutMs,
      maxResponseBytes: maxAnswerBytes,
      allow,
    })
    if (status >= 300 && !isRefusal(body))
      throw new RequestFailed("bad_answer", `Stripe's address answered ${status} without saying why.`)
    return new Response(body, { status, headers: { ...headers } })
  }
  return new Stripe(secretKey, {
    protocol: protocol === "http:" ? "http" : "https",
    host: hostname,
    port: port || (protocol === "http:" ? "80" : "443"),
    httpClient: Stripe.createFetchHttpClient(guarded as unknown as typeof fetch),
    timeout: timeoutMs,
    maxNetworkRetries: 0,
    telemetry: false,
  })
}

/** The SDK looks at the status only when the body has an `error`. Without one it takes the body for the answer. */
function isRefusal(body: string): boolean {
  try {
    const { error } = JSON.parse(body) as { error?: unknown }
    return typeof error === "object" && error !== null
  } catch {
    return false
  }
}

/**
 * Minor units as Stripe counts them; undefined: Stripe cannot charge this amount.
 * See https://docs.stripe.com/currencies.
 */
export function stripeAmount(amount: number, currency: string): number | undefined {
  return isMovable(amount, currency) ? inStripesUnits(amount, currency) : undefined
}

/** The amount in Stripe's units, also one that is no multiple of what can be moved. */
export const inStripesUnits = (amount: number, currency: string): number =>
  Math.round((amount * (hundredths.has(currency) ? 100 : 1)) / (wholes.has(currency) ? 100 : 1))

/** Stripe's amount in our minor units. */
export const ourAmount = (amount: number, currency: string): number =>
  Math.round(amount / (hundredths.has(currency) ? 100 : 1)) * (wholes.has(currency) ? 100 : 1)

/** ISO 4217 has no minor unit for these. Stripe counts hundredths. */
const hundredths: ReadonlySet<string> = new Set(["ISK", "UGX"])
/** ISO 4217 has hundredths of these. Stripe counts whole ones. */
const wholes: ReadonlySet<string> = new Set(["MGA"])
