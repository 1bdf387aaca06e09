/** The limits on registrations: of one address, and at one club. They count before the password is hashed. */
import { RateLimiter } from "#base/limits/rate-limiter.ts"
import { SharedRate } from "#base/limits/shared-rate.ts"
import { rates, type Standing, scaled } from "#base/limits/table.ts"

/** Answers the function that counts a registration, and throws TooMany. Its counts are its own. */
export function registrationShares(requestsPerSecond: number) {
  const ofAddress = new RateLimiter(scaled(rates.registration, requestsPerSecond))
  /** Only remembers which addresses have registered somebody at a club. */
  const ofPair = new RateLimiter(ofAddress.rate)
  const ofClub = new SharedRate(
    scaled(rates.firstRegistration, requestsPerSecond),
    scaled(rates.furtherRegistration, requestsPerSecond),
  )

  /** @param share the share of the client (client-address.ts) */
  return function countRegistration(share: string, facilityId: string | undefined): Standing {
    const standing = ofAddress.require(share, refusal)
    if (facilityId === undefined) return standing
    const club = facilityId.toLowerCase()
    const pair = `${share} ${club}`
    try {
      ofClub.require(club, ofPair.isFull(pair), refusal)
    } catch (error) {
      ofAddress.giveBack(share)
      throw error
    }
    ofPair.take(pair)
    return standing
  }
}

const refusal = "Too many registrations; wait, then try again."
