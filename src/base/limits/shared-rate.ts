/**
 * A limit on one subject, such as an account, that many addresses try. Addresses that have not tried before take from
 * one bucket of the subject, all others from a second one. So an address stands in the way of newcomers once only, and
 * nobody can lock out all others.
 */
import { RateLimiter } from "./rate-limiter.ts"
import type { Rate, Standing } from "./table.ts"

export class SharedRate {
  readonly #first: RateLimiter
  readonly #further: RateLimiter

  constructor(first: Rate, further: Rate) {
    this.#first = new RateLimiter(first)
    this.#further = new RateLimiter(further)
  }

  /** Takes one. Throws TooMany. The result gives the take back. */
  require(subject: string, isNewcomer: boolean, message?: string): { standing: Standing; giveBack: () => void } {
    const limiter = isNewcomer ? this.#first : this.#further
    const standing = limiter.require(subject, message)
    return { standing, giveBack: () => limiter.giveBack(subject) }
  }
}
