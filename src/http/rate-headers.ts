/**
 * The headers RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10). `q` takes are allowed in `w`
 * seconds; `r` are left, and after `t` seconds all of them are there again.
 */
import { secondsUntil } from "#base/limits/rate-limiter.ts"
import type { Rate, Standing } from "#base/limits/table.ts"
import type { ResponseSettings } from "./correlation.ts"

const left = "ratelimit"
const policy = "ratelimit-policy"

export const rateHeadersOf = (standing: Standing): Record<string, string> => ({
  [policy]: policyOf(standing.rate),
  [left]: leftOf(standing),
})

/** Names a bucket in the answer, after those that it names already. */
export function addStanding({ headers }: ResponseSettings, standing: Standing): void {
  const before = headers[left]
  headers[policy] = before === undefined ? policyOf(standing.rate) : `${headers[policy]}, ${policyOf(standing.rate)}`
  headers[left] = before === undefined ? leftOf(standing) : `${before}, ${leftOf(standing)}`
}

/** The rate headers that an answer has so far, for an answer that is made anew. */
export function rateHeadersIn({ headers }: ResponseSettings): Record<string, string> {
  return headers[left] === undefined ? {} : { [policy]: String(headers[policy]), [left]: String(headers[left]) }
}

const leftOf = ({ rate, left, fullInMs }: Standing) => `"${rate.name}";r=${left};t=${secondsUntil(fullInMs)}`

function policyOf(rate: Rate): string {
  const known = policies.get(rate)
  if (known !== undefined) return known
  const text = `"${rate.name}";q=${rate.burst};w=${Math.max(1, Math.round((rate.burst * rate.everyMs) / 1_000))}`
  policies.set(rate, text)
  return text
}

const policies = new WeakMap<Rate, string>()
