/**
 * The limits on codes by text message: of one person, to one number, and of one client. They count before anything is
 * sent. A refusal gives back what the limits before it have counted.
 */
import { RateLimiter } from "#base/limits/rate-limiter.ts"
import { rates, type Standing, scaled } from "#base/limits/table.ts"

/** Answers the function that counts a code, and throws TooMany. Its counts are its own. */
export function phoneCodeShares(requestsPerSecond: number) {
  const limiters = [rates.phoneCode, rates.phoneCodeOfNumber, rates.phoneCodeOfAddress].map(
    (rate) => new RateLimiter(scaled(rate, requestsPerSecond)),
  )

  /** @param client the share of the client (client-address.ts) @param number E.164 */
  return function countPhoneCode(userId: string, number: string, client: string): Standing {
    const keys = [userId, number, client]
    const taken: (() => void)[] = []
    try {
      const standings = limiters.map((limiter, nth) => {
        const key = keys[nth] ?? ""
        const standing = limiter.require(key, refusal)
        taken.push(() => limiter.giveBack(key))
        return standing
      })
      return standings[0] as Standing
    } catch (error) {
      for (const giveBack of taken) giveBack()
      throw error
    }
  }
}

const refusal = "Too many codes were asked for; wait, then try again."
