/**
 * The limits on tries to sign in. Every try counts before its password is hashed, and a right one is given back. The
 * limits slow guesses, and lock nobody out:
 * - Tries of one address at one account: after ten, one in ten seconds.
 * - Tries of one address at all accounts, and tries of all addresses at one account. Both pass over an address from
 *   which the account's owner has signed in before.
 */
import { RateLimiter } from "#base/limits/rate-limiter.ts"
import { SharedRate } from "#base/limits/shared-rate.ts"
import { rates, type Standing } from "#base/limits/table.ts"

export interface SignInTry {
  /** The standing of the address at the account. */
  readonly standing: Standing
  /** Counts the try on the address and on the account. Throws TooMany. */
  requireStranger(): void
  /** The password was right. */
  succeeded(): void
}

/** Begins a try, which counts at once. Throws TooMany. @param share the share of the client (client-address.ts) */
export function beginSignIn(share: string, email: string): SignInTry {
  const pair = `${share} ${email}`
  const isNewcomer = ofPair.isFull(pair)
  const standing = ofPair.require(pair, refusal)
  const giveBack: (() => void)[] = []
  return {
    standing,
    requireStranger() {
      try {
        ofAddress.require(share, refusal)
        giveBack.push(() => ofAddress.giveBack(share))
        giveBack.push(ofAccount.require(email, isNewcomer, refusal).giveBack)
      } catch (error) {
        // Nothing was tried. A newcomer that was refused stays a newcomer.
        giveBack.push(() => ofPair.giveBack(pair))
        for (const each of giveBack) each()
        throw error
      }
    },
    succeeded() {
      ofPair.forget(pair)
      for (const each of giveBack) each()
    },
  }
}

const newShares = () => ({
  ofPair: new RateLimiter(rates.signIn),
  ofAddress: new RateLimiter(rates.signInOfAddress),
  ofAccount: new SharedRate(rates.firstSignIn, rates.furtherSignIn),
})
let { ofPair, ofAddress, ofAccount } = newShares()

/** Forgets all tries. For tests of other things, which share a process. */
export function forgetSignInTries(): void {
  ;({ ofPair, ofAddress, ofAccount } = newShares())
}
const refusal = "Too many tries to sign in; wait, then try again."
