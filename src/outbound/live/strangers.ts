/**
 * The sockets without a token: so many altogether, and a smaller share of each address. When a share or the room is
 * full, its oldest socket gives way. An honest client sends its token at once, so the oldest are the silent ones.
 */

/** The part of a connection that its place needs. */
export interface Placed {
  readonly share: string
}

export class Strangers<Socket extends Placed = Placed> {
  readonly #limits: { readonly strangers: number; readonly strangersOfAddress: number }
  /** In the order of their arrival. */
  readonly #all = new Set<Socket>()
  readonly #byShare = new Map<string, Set<Socket>>()

  constructor(limits: { readonly strangers: number; readonly strangersOfAddress: number }) {
    this.#limits = limits
  }

  /** Gives the socket a place. Answers the socket that gives way, which has no place any more. */
  add(socket: Socket): Socket | undefined {
    const ofShare = this.#byShare.get(socket.share) ?? new Set()
    this.#byShare.set(socket.share, ofShare)
    const { strangers, strangersOfAddress } = this.#limits
    const from = ofShare.size >= strangersOfAddress ? ofShare : this.#all.size >= strangers ? this.#all : undefined
    const [oldest] = from ?? []
    if (oldest !== undefined) this.remove(oldest)
    // Removing the last socket of the share has removed the share.
    this.#byShare.set(socket.share, ofShare.add(socket))
    this.#all.add(socket)
    return oldest
  }

  remove(socket: Socket): void {
    if (!this.#all.delete(socket)) return
    const ofShare = this.#byShare.get(socket.share)
    ofShare?.delete(socket)
    if (ofShare?.size === 0) this.#byShare.delete(socket.share)
  }
}
