/**
 * The limits on mails with links: of one client, and to one address. They count before anything is looked up, and say
 * nothing about whether an account has the address. A mail to a stranger is a nuisance, and a newer link ends an older
 * one. So asking often at somebody's address must not be free.
 */
import { RateLimiter } from "#base/limits/rate-limiter.ts"
import { SharedRate } from "#base/limits/shared-rate.ts"
import { rates, type Standing, scaled } from "#base/limits/table.ts"

/** Answers the function that counts a mail, and throws TooMany. Its counts are its own. */
export function linkShares(requestsPerSecond: number) {
  const ofClient = new RateLimiter(scaled(rates.linkMail, requestsPerSecond))
  /** Only remembers which clients have asked for mail to an address. */
  const ofPair = new RateLimiter(ofClient.rate)
  const ofAddress = new SharedRate(
    scaled(rates.firstLinkMail, requestsPerSecond),
    scaled(rates.furtherLinkMail, requestsPerSecond),
  )

  /** @param client the share of the client (client-address.ts), or the id of the caller @param email normal */
  return function countLinkMail(client: string, email: string): Standing {
    const standing = ofClient.require(client, refusal)
    const pair = `${client} ${email}`
    try {
      ofAddress.require(email, ofPair.isFull(pair), refusal)
    } catch (error) {
      ofClient.giveBack(client)
      throw error
    }
    ofPair.take(pair)
    return standing
  }
}

const refusal = "Too many mails were asked for; wait, then try again."
