/**
 * One socket: its caller, its subscriptions and its limits. Its frames are handled one after the other, in order of
 * arrival. Every closing names a reason (see closeCodes).
 */
import { authenticate, type Caller } from "#access/caller.ts"
import { clock } from "#base/clock.ts"
import type { Db } from "#base/database/db.ts"
import { NotAuthenticated } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import { RateLimiter } from "#base/limits/rate-limiter.ts"
import { type LiveChannel, mayListen, type PlacedChannel, parseChannel, place } from "./channels.ts"
import { type ClientFrame, readFrame } from "./client-frames.ts"
import { closeCodes, type LiveLimits } from "./limits.ts"
import { replay } from "./replay.ts"

/** The part of Bun's socket that a connection needs. */
export interface Socket {
  send(text: string): number
  close(code: number, reason: string): void
  subscribe(topic: string): void
  unsubscribe(topic: string): void
  cork(write: () => void): unknown
}

/** The part of the live server that a connection needs. */
export interface Hub {
  readonly db: Db
  readonly limits: LiveLimits
  readonly position: number | undefined
  readonly started: Promise<number>
  readonly resyncs: number
  positionOf(channel: LiveChannel): number
  hasRoomFor(caller: Caller): boolean
  identified(connection: Connection, userId: string): void
  disconnect(connection: Connection): void
  keep(channel: string): { readonly texts: readonly string[]; readonly stop: () => void }
  replaying<T>(read: () => Promise<T>): Promise<T>
}

/** What a new socket comes with. */
export interface Given {
  /** The share of the client's address. */
  readonly share: string
  /** The token of the handshake. */
  readonly token?: string | undefined
  /** Is told whose the token of the handshake is; undefined: it is not valid. */
  readonly lookedUp?: (userId: string | undefined) => void
}

export class Connection {
  readonly session = newId()
  readonly share: string
  readonly #live: Hub
  readonly #socket: Socket
  readonly #channels = new Map<string, PlacedChannel>()
  readonly #frames: RateLimiter
  readonly #authTimer: Timer
  #lookedUp: Given["lookedUp"]
  #token: string | undefined
  #caller: Caller | undefined
  #work: Promise<void> = Promise.resolve()
  #badFrames = 0
  #closed = false
  /** The time of the next access check, on the monotonic timer. */
  recheckAt = Number.POSITIVE_INFINITY

  constructor(live: Hub, socket: Socket, { share, lookedUp }: Given) {
    this.#live = live
    this.#socket = socket
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

  /** Handles a message of the client. */
  receive(message: unknown): void {
    if (this.#closed) return
    if (this.#frames.take(this.session).waitMs > 0) this.close(closeCodes.tooMany, "too many frames")
    else this.#work = this.#work.then(() => (this.#closed ? undefined : this.#handle(message)))
  }

  close(code: number, reason: string): void {
    if (this.#closed) return
    this.#socket.close(code, reason)
    this.closed()
  }

  /** The socket is closed, by either side. */
  closed(): void {
    this.#closed = true
    clearTimeout(this.#authTimer)
    this.#channels.clear()
    this.#live.disconnect(this)
  }

  /** Updates the caller from the token's present rights. Returns false when this closed the socket. */
  recheck(caller: Caller | undefined): boolean {
    if (this.#closed) return false
    if (caller === undefined) {
      this.close(closeCodes.notAuthenticated, "the token is no longer valid")
      return false
    }
    this.#known(caller)
    const withdrawn = [...this.#channels.values()].find((channel) => !mayListen(caller, channel))
    if (withdrawn) this.close(closeCodes.accessWithdrawn, `no longer allowed: ${withdrawn.name}`)
    return withdrawn === undefined
  }

  /** Tells the client to refetch the data of all its channels. */
  resync(position: number): void {
    for (const channel of this.#channels.keys()) this.#send({ type: "resync", channel, position: String(position) })
  }

  async #handle(message: unknown): Promise<void> {
    const frame = readFrame(message)
    if ("fault" in frame) return this.#badFrame(frame.fault)
    if (frame.type !== "auth" && frame.type !== "ping" && this.#caller === undefined)
      return this.close(closeCodes.notAuthenticated, "the first frame must be auth")
    try {
      await this.#answer(frame)
    } catch (error) {
      if (error instanceof NotAuthenticated) return this.close(closeCodes.notAuthenticated, "the token is not valid")
      process.emitWarning(error instanceof Error ? error : String(error))
      if (frame.type === "auth") return this.close(closeCodes.restarting, "the database does not answer")
      const channel = "channel" in frame ? { channel: frame.channel } : {}
      this.#error("unavailable", "The database does not answer; try again in a moment.", channel)
    }
  }

  #answer(frame: ClientFrame): Promise<void> | void {
    switch (frame.type) {
      case "auth":
        return this.#authenticate(frame.token)
      case "subscribe":
        return this.#subscribe(frame.channel, frame.after)
      case "unsubscribe":
        return this.#unsubscribe(frame.channel)
      case "ping":
        return this.#send({ type: "pong", position: String(this.#live.position ?? 0) })
    }
  }

  /** Also accepted on an authenticated socket, to continue with a newer token of the same person. */
  async #authenticate(token: string): Promise<void> {
    const caller = await this.#callerOf(token)
    if (this.#closed) return
    if (this.#caller !== undefined && this.#caller.userId !== caller.userId)
      return this.close(closeCodes.protocolError, "a socket belongs to one person")
    if (this.#caller === undefined && !this.#live.hasRoomFor(caller))
      return this.close(closeCodes.tooMany, "too many sockets of one person")
    clearTimeout(this.#authTimer)
    if (this.#caller === undefined) this.#live.identified(this, caller.userId)
    this.#token = token
    this.#known(caller)
    this.#send({ type: "ready", session: this.session, pingMs: this.#live.limits.pingMs })
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

  async #subscribe(given: string, after: number | undefined): Promise<void> {
    const channel = parseChannel(given)
    if (channel === undefined)
      return this.#error("unknown_channel", "There is no channel of that name.", { channel: given })
    const { name } = channel
    if (!this.#channels.has(name) && this.#channels.size >= this.#live.limits.subscriptionsPerSocket)
      return this.#error("too_many", `A socket has at most ${this.#live.limits.subscriptionsPerSocket} channels.`, {
        channel: name,
      })
    const placed = await place(this.#live.db, channel)
    if (placed === undefined || !this.#mayListen(placed)) return this.#forbidden(name)
    await this.#live.started

    const kept = this.#live.keep(name)
    const upTo = this.#live.positionOf(placed)
    const { resyncs } = this.#live
    try {
      const before =
        after === undefined ? [] : await this.#live.replaying(() => replay(this.#live.db, placed, after, upTo))
      if (this.#closed) return
      if (!this.#mayListen(placed)) return this.#forbidden(name)
      // From here to the end of the tick nothing can be published.
      const isWhole = before !== "resync" && resyncs === this.#live.resyncs
      this.#join(placed, isWhole ? [...before, ...kept.texts] : "resync")
    } finally {
      kept.stop()
    }
  }

  #join(channel: PlacedChannel, missed: readonly string[] | "resync"): void {
    const { name } = channel
    const position = String(this.#live.positionOf(channel))
    const frames = missed === "resync" ? [JSON.stringify({ type: "resync", channel: name, position })] : missed
    const replayed = missed === "resync" ? 0 : missed.length
    this.#socket.cork(() => {
      this.#send({ type: "subscribed", channel: name, position, replayed })
      for (const frame of frames) this.#socket.send(frame)
    })
    this.#socket.subscribe(name)
    this.#channels.set(name, channel)
  }

  #unsubscribe(given: string): void {
    const name = parseChannel(given)?.name ?? given
    if (this.#channels.delete(name)) {
      this.#socket.unsubscribe(name)
      this.#send({ type: "unsubscribed", channel: name })
    } else this.#error("not_subscribed", "This socket does not listen to that channel.", { channel: name })
  }

  #known(caller: Caller): void {
    this.#caller = caller
    const left =
      caller.tokenExpiresAt === null ? Number.POSITIVE_INFINITY : caller.tokenExpiresAt.getTime() - clock.now()
    this.recheckAt = performance.now() + Math.max(0, Math.min(left, this.#live.limits.recheckMs))
  }

  #mayListen(channel: PlacedChannel): boolean {
    return this.#caller !== undefined && mayListen(this.#caller, channel)
  }

  /** The same words for a channel that does not exist: a stranger learns nothing about other facilities. */
  #forbidden(channel: string): void {
    this.#error("forbidden", "You may not listen to this channel.", { channel })
  }

  #badFrame(fault: string): void {
    if (++this.#badFrames >= this.#live.limits.badFrames) this.close(closeCodes.protocolError, fault)
    else this.#error("bad_frame", fault)
  }

  #error(code: string, message: string, about: { channel?: string } = {}): void {
    this.#send({ type: "error", code, ...about, message })
  }

  #send(frame: object): void {
    if (!this.#closed) this.#socket.send(JSON.stringify(frame))
  }
}
