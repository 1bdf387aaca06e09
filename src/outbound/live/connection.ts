/**
 * One socket: its caller, its subscriptions and its limits. Its frames are handled one after the other, in order of
 * arrival. Every closing names a reason (see closeCodes).
 */
import { authenticate, type Caller } from "#access/caller.ts"
import { clock } from "#base/clock.ts"
import { NotAuthenticated } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import { RateLimiter } from "#base/limits/rate-limiter.ts"
import { type ClientFrame, readFrame, type SubscribeFrame } from "./client-frames.ts"
import { textOfPosition } from "./frames.ts"
import type { Hub, Listener, Socket } from "./hub.ts"
import { closeCodes } from "./limits.ts"
import { Subscriptions } from "./subscriptions.ts"

/** What a new socket comes with. */
export interface Given {
  /** The share of the client's address. */
  readonly share: string
  /** The token of the handshake. */
  readonly token?: string | undefined
  /** Is told whose the token of the handshake is; undefined: it is not valid. */
  readonly lookedUp?: (userId: string | undefined) => void
}

export class Connection implements Listener {
  readonly session = newId()
  readonly share: string
  readonly #live: Hub<Connection>
  readonly #socket: Socket
  readonly #subscriptions: Subscriptions
  readonly #frames: RateLimiter
  #authTimer: Timer | undefined
  #lookedUp: Given["lookedUp"]
  #token: string | undefined
  #caller: Caller | undefined
  #isGuest = false
  #work: Promise<void> = Promise.resolve()
  #badFrames = 0
  #closed = false
  /** The time of the next access check, on the monotonic timer. */
  recheckAt = Number.POSITIVE_INFINITY

  constructor(live: Hub<Connection>, socket: Socket, { share, lookedUp }: Given) {
    this.#live = live
    this.#socket = socket
    this.#subscriptions = new Subscriptions(live, socket, this)
    this.share = share
    this.#lookedUp = lookedUp
    const { framesAtOnce, framesPerSecond } = live.limits
    this.#frames = new RateLimiter({ name: "frames", burst: framesAtOnce, everyMs: 1_000 / framesPerSecond }, 1)
    this.#authTimer = setTimeout(
      () => this.close(closeCodes.notAuthenticated, "authentication timed out"),
      live.limits.authMs,
    )
  }

  /** Undefined until the socket is authenticated. */
  get userId(): string | undefined {
    return this.#caller?.userId
  }

  get token(): string | undefined {
    return this.#token
  }

  /** Goes on without an account, and hears public channels only. */
  get isGuest(): boolean {
    return this.#isGuest
  }

  get caller(): Caller | undefined {
    return this.#caller
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /** The facilities of the channels that it hears because they are public. */
  get publicFacilities(): string[] {
    return this.#subscriptions.publicFacilities
  }

  listensIn(facilities: ReadonlySet<string>): boolean {
    return this.#subscriptions.listensIn(facilities)
  }

  /** Handles a message of the client. */
  receive(message: unknown): void {
    if (this.#closed) return
    if (isLonger(message, this.#live.limits.frameBytes)) {
      this.close(closeCodes.frameTooBig, "the frame is too big")
      return
    }
    if (this.#frames.take(this.session).waitMs > 0) {
      this.close(closeCodes.tooMany, "too many frames")
      return
    }
    const frame = readFrame(message)
    if (this.#subscriptions.isReplaying && "type" in frame) {
      // A long replay does not outlast its token, nor the client's wish for it. Other frames wait for its end.
      if (frame.type === "auth") return void this.#handle(frame)
      if (frame.type === "unsubscribe") this.#subscriptions.stopReplay(frame.channel)
    }
    this.#next(() => this.#handle(frame))
  }

  /** Follows several channels together, in the order of the log. */
  follow(frames: readonly SubscribeFrame[]): void {
    this.#next(() => this.#trying(frames[0], () => this.#subscriptions.follow(frames)))
  }

  /** The client has read what waited for it. */
  drained(): void {
    this.#subscriptions.drained()
  }

  close(code: number, reason: string): void {
    if (this.#closed) return
    this.#socket.close(code, reason)
    this.closed()
  }

  /** The socket is closed, by either side. */
  closed(): void {
    this.#closed = true
    this.#stopAuthTimer()
    this.#subscriptions.clear()
    this.#socket.leave?.()
    this.#live.disconnect(this)
  }

  /**
   * Updates the caller from the token's present rights. Returns false when this closed the socket.
   * @param open the facilities that show their availability to everybody
   */
  recheck(caller: Caller | "guest" | undefined, open: ReadonlySet<string>): boolean {
    if (this.#closed) return false
    if (caller === undefined) {
      this.close(closeCodes.notAuthenticated, "the token is no longer valid")
      return false
    }
    if (caller !== "guest") this.#known(caller)
    else this.recheckAt = performance.now() + this.#live.limits.recheckMs
    const withdrawn = this.#subscriptions.withdrawn(open)
    if (withdrawn !== undefined) this.close(closeCodes.accessWithdrawn, `no longer allowed: ${withdrawn}`)
    return withdrawn === undefined
  }

  /** Tells the client to refetch the data of all its channels. */
  resync(position: number): void {
    this.#subscriptions.resync(position)
  }

  send(frame: object): void {
    if (!this.#closed) this.#socket.send(JSON.stringify(frame))
  }

  error(code: string, message: string, about: { channel?: string } = {}): void {
    this.send({ type: "error", code, ...about, message })
  }

  /** A timer that is over still takes memory while something holds it. */
  #stopAuthTimer(): void {
    clearTimeout(this.#authTimer)
    this.#authTimer = undefined
  }

  #next(work: () => Promise<void>): void {
    this.#work = this.#work.then(() => (this.#closed ? undefined : work()))
  }

  async #handle(frame: ReturnType<typeof readFrame>): Promise<void> {
    if ("fault" in frame) return this.#badFrame(frame.fault)
    const isKnown = this.#caller !== undefined || this.#isGuest
    if (frame.type !== "auth" && frame.type !== "guest" && frame.type !== "ping" && !isKnown)
      return this.close(closeCodes.notAuthenticated, "the first frame must be auth")
    await this.#trying(frame, () => this.#answer(frame))
  }

  async #trying(frame: ClientFrame | undefined, answer: () => Promise<void> | void): Promise<void> {
    try {
      await answer()
    } catch (error) {
      if (error instanceof NotAuthenticated) return this.close(closeCodes.notAuthenticated, "the token is not valid")
      process.emitWarning(error instanceof Error ? error : String(error))
      if (frame === undefined || frame.type === "auth")
        return this.close(closeCodes.restarting, "the database does not answer")
      const channel = "channel" in frame ? { channel: frame.channel } : {}
      this.error("unavailable", "The database does not answer; try again in a moment.", channel)
    }
  }

  #answer(frame: ClientFrame): Promise<void> | void {
    switch (frame.type) {
      case "auth":
        return this.#authenticate(frame.token)
      case "subscribe":
        return this.#subscriptions.follow([frame])
      case "guest":
        return this.#goOnAsGuest()
      case "unsubscribe":
        return this.#subscriptions.unsubscribe(frame.channel)
      case "ping":
        if (!this.#closed) this.#socket.send(textOfPosition("pong", this.#live.position, this.#live.epoch))
    }
  }

  /** Also accepted on an authenticated socket, to continue with a newer token of the same person. */
  async #authenticate(token: string): Promise<void> {
    const caller = await this.#callerOf(token)
    if (this.#closed) return
    if (this.#isGuest || (this.#caller !== undefined && this.#caller.userId !== caller.userId))
      return this.close(closeCodes.protocolError, "a socket belongs to one person")
    if (this.#caller === undefined && !this.#live.hasRoomFor(caller))
      return this.close(closeCodes.tooMany, "too many sockets of one person")
    this.#stopAuthTimer()
    if (this.#caller === undefined) this.#live.identified(this, caller.userId)
    this.#token = token
    this.#known(caller)
    this.#ready()
  }

  #goOnAsGuest(): void {
    if (this.#caller !== undefined) {
      this.close(closeCodes.protocolError, "the socket belongs to a person")
      return
    }
    if (!this.#isGuest && !this.#live.admitGuest(this)) {
      this.close(closeCodes.tooMany, "too many sockets without an account")
      return
    }
    this.#stopAuthTimer()
    this.#isGuest = true
    this.recheckAt = performance.now() + this.#live.limits.recheckMs
    this.#ready()
  }

  #ready(): void {
    this.send({ type: "ready", session: this.session, pingMs: this.#live.limits.pingMs })
  }

  async #callerOf(token: string): Promise<Caller> {
    const lookedUp = this.#lookedUp
    this.#lookedUp = undefined
    try {
      const caller = await authenticate(this.#live.db, token)
      lookedUp?.(caller.userId)
      return caller
    } catch (error) {
      if (error instanceof NotAuthenticated) lookedUp?.(undefined)
      throw error
    }
  }

  #known(caller: Caller): void {
    this.#caller = caller
    const left =
      caller.tokenExpiresAt === null ? Number.POSITIVE_INFINITY : caller.tokenExpiresAt.getTime() - clock.now()
    const { recheckMs, keyRecheckMs } = this.#live.limits
    const atMost = caller.apiKeyId === undefined ? recheckMs : keyRecheckMs
    this.recheckAt = performance.now() + Math.max(0, Math.min(left, atMost))
  }

  #badFrame(fault: string): void {
    if (++this.#badFrames >= this.#live.limits.badFrames) this.close(closeCodes.protocolError, fault)
    else this.error("bad_frame", fault)
  }
}

/** Whether a message of the socket has more bytes. What the server itself passes has been measured. */
function isLonger(message: unknown, bytes: number): boolean {
  if (typeof message === "string") return message.length > bytes || Buffer.byteLength(message) > bytes
  return ArrayBuffer.isView(message) && message.byteLength > bytes
}
