/** The sockets without an account: so many altogether, and a smaller share of each address. The next one is refused. */

export class Guests {
  readonly #limits: { readonly guests: number; readonly guestsOfAddress: number }
  readonly #ofShare = new Map<string, number>()
  #all = 0

  constructor(limits: { readonly guests: number; readonly guestsOfAddress: number }) {
    this.#limits = limits
  }

  /** False: there is no room. */
  add(share: string): boolean {
    const ofShare = this.#ofShare.get(share) ?? 0
    if (this.#all >= this.#limits.guests || ofShare >= this.#limits.guestsOfAddress) return false
    this.#ofShare.set(share, ofShare + 1)
    this.#all++
    return true
  }

  remove(share: string): void {
    const left = (this.#ofShare.get(share) ?? 0) - 1
    if (left > 0) this.#ofShare.set(share, left)
    else this.#ofShare.delete(share)
    this.#all--
  }
}
