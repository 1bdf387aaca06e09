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
import { isAvailability, mayListen, type PlacedChannel, parseChannel, place, publicOf } from "./channels.ts"
import { type ClientFrame, readFrame } from "./client-frames.ts"
import { positionTopic, textOfPosition } from "./frames.ts"
import type { Hub, Socket } from "./hub.ts"
import { closeCodes } from "./limits.ts"
import type { FrameText } from "./log-row.ts"
import { missedBy } from "./missed.ts"

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
  readonly #live: Hub<Connection>
  readonly #socket: Socket
  /** With the channels that are open to everybody: `isPublic`. */
  readonly #channels = new Map<string, PlacedChannel & { readonly isPublic: boolean }>()
  readonly #frames: RateLimiter
  readonly #authTimer: Timer
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

  /** The facilities of the channels that it hears because they are public. */
  get publicFacilities(): string[] {
    return [...this.#channels.values()].flatMap((each) => (each.isPublic && each.facilityId ? [each.facilityId] : []))
  }

  listensIn(facilities: ReadonlySet<string>): boolean {
    return this.#channels.values().some(({ facilityId }) => facilityId !== null && facilities.has(facilityId))
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
    const withdrawn = this.#channels
      .values()
      .find((channel) => !this.#mayListen(channel) && !(channel.isPublic && open.has(channel.facilityId ?? "")))
    if (withdrawn) this.close(closeCodes.accessWithdrawn, `no longer allowed: ${withdrawn.name}`)
    return withdrawn === undefined
  }

  /** Tells the client to refetch the data of all its channels. */
  resync(position: number): void {
    const at = { position: String(position), epoch: this.#live.epoch }
    for (const channel of this.#channels.keys()) this.#send({ type: "resync", channel, ...at })
  }

  async #handle(message: unknown): Promise<void> {
    const frame = readFrame(message)
    if ("fault" in frame) return this.#badFrame(frame.fault)
    const isKnown = this.#caller !== undefined || this.#isGuest
    if (frame.type !== "auth" && frame.type !== "guest" && frame.type !== "ping" && !isKnown)
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
        return this.#subscribe(frame)
      case "guest":
        return this.#goOnAsGuest()
      case "unsubscribe":
        return this.#unsubscribe(frame.channel)
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
    clearTimeout(this.#authTimer)
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
    clearTimeout(this.#authTimer)
    this.#isGuest = true
    this.recheckAt = performance.now() + this.#live.limits.recheckMs
    this.#ready()
  }

  #ready(): void {
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

  async #subscribe({ channel: given, after, epoch }: Extract<ClientFrame, { type: "subscribe" }>): Promise<void> {
    const channel = parseChannel(given)
    if (channel === undefined)
      return this.#error("unknown_channel", "There is no channel of that name.", { channel: given })
    const { name } = channel
    if (!this.#channels.has(name) && this.#channels.size >= this.#live.limits.subscriptionsPerSocket)
      return this.#error("too_many", `A socket has at most ${this.#live.limits.subscriptionsPerSocket} channels.`, {
        channel: name,
      })
    const placed = await place(this.#live.db, channel)
    if (placed === undefined) return this.#forbidden(name)
    const isPublic = !this.#mayListen(placed) && (await isOpenToAll(this.#live.db, placed))
    if (!isPublic && !this.#mayListen(placed)) return this.#forbidden(name)
    await this.#live.started
    // From here on the frames of the channel are kept, so one that is joined already must not send them as well.
    if (this.#channels.delete(name)) this.#socket.unsubscribe(name)
    const missing = missedBy(this.#live, placed, { after, epoch })
    try {
      const missed = await missing.read()
      if (this.#closed) return
      if (!isPublic && !this.#mayListen(placed)) return this.#forbidden(name)
      // From here to the end of the tick nothing can be published.
      this.#join({ ...placed, isPublic }, missed())
    } finally {
      missing.stop()
    }
  }

  #join(channel: PlacedChannel & { readonly isPublic: boolean }, missed: readonly FrameText[] | "resync"): void {
    const { name } = channel
    const at = { position: String(this.#live.positionOf(channel)), epoch: this.#live.epoch }
    const replayed = missed === "resync" ? 0 : missed.length
    this.#socket.cork(() => {
      this.#send({ type: "subscribed", channel: name, ...at, replayed })
      if (missed === "resync") this.#send({ type: "resync", channel: name, ...at })
      else for (const frame of missed) this.#socket.hold ? this.#socket.hold(frame) : this.#socket.send(frame.text)
    })
    this.#socket.subscribe(name)
    this.#socket.subscribe(positionTopic)
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
    const { recheckMs, keyRecheckMs } = this.#live.limits
    const atMost = caller.apiKeyId === undefined ? recheckMs : keyRecheckMs
    this.recheckAt = performance.now() + Math.max(0, Math.min(left, atMost))
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

const isOpenToAll = async (db: Db, channel: PlacedChannel): Promise<boolean> =>
  isAvailability(channel) && channel.facilityId !== null && (await publicOf(db, [channel.facilityId])).size > 0
