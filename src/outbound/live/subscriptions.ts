/**
 * The channels of one connection: which it hears, and which it is being brought up to date with. One replay runs at a
 * time, so what a client waits for takes the memory of one page.
 */
import type { Db } from "#base/database/db.ts"
import { catchUp, type Rest } from "./catch-up.ts"
import { isAvailability, mayListen, type PlacedChannel, parseChannel, place, publicOf } from "./channels.ts"
import type { SubscribeFrame } from "./client-frames.ts"
import { positionTopic } from "./frames.ts"
import type { Hub, Listener, Socket } from "./hub.ts"
import { closeCodes } from "./limits.ts"
import type { FrameText } from "./log-row.ts"
import type { FollowedChannel, FollowWish, Missed } from "./missed.ts"

export class Subscriptions {
  readonly #live: Hub<never>
  readonly #socket: Socket
  readonly #listener: Listener
  /** Those that are heard, and those of the replay under way. */
  readonly #channels = new Map<string, FollowedChannel>()
  /** The channels of the replay, once its first frames have left. */
  #replaying: readonly string[] = none
  #drained: (() => void) | undefined

  constructor(live: Hub<never>, socket: Socket, listener: Listener) {
    this.#live = live
    this.#socket = socket
    this.#listener = listener
  }

  /** The facilities of the channels that it hears because they are public. */
  get publicFacilities(): string[] {
    return [...this.#channels.values()].flatMap((each) => (each.isPublic && each.facilityId ? [each.facilityId] : []))
  }

  get isReplaying(): boolean {
    return this.#replaying !== none
  }

  listensIn(facilities: ReadonlySet<string>): boolean {
    return this.#channels.values().some(({ facilityId }) => facilityId !== null && facilities.has(facilityId))
  }

  /**
   * A channel that the caller may hear no longer.
   * @param open the facilities that show their availability to everybody
   */
  withdrawn(open: ReadonlySet<string>): string | undefined {
    return this.#channels
      .values()
      .find((channel) => !this.#mayListen(channel) && !(channel.isPublic && open.has(channel.facilityId ?? "")))?.name
  }

  /** Tells the client to refetch the data of all channels. A replay finds that by itself. */
  resync(position: number): void {
    const at = this.#at(position)
    for (const channel of this.#channels.keys())
      if (!this.#replaying.includes(channel)) this.#listener.send({ type: "resync", channel, ...at })
  }

  /** Follows channels together, in the order of the log. */
  async follow(frames: readonly SubscribeFrame[]): Promise<void> {
    const wanted: FollowWish[] = []
    for (const { channel, after, epoch } of frames) {
      const admitted = await this.#admit(channel)
      if (admitted) wanted.push({ channel: admitted, after, epoch })
    }
    if (wanted.length === 0) return
    await this.#live.started
    // From here on the frames of the channels are kept, so one that is joined already must not send them as well.
    for (const { channel } of wanted) if (this.#channels.delete(channel.name)) this.#socket.unsubscribe(channel.name)
    const names = wanted.map(({ channel }) => channel.name)
    let begun = false
    try {
      await catchUp(this.#live, wanted, {
        goesOn: () => !this.#listener.isClosed && (!begun || this.#replaying === names),
        begin: (all, upTo) => {
          if (this.#refused(wanted)) return false
          begun = true
          this.#replaying = names
          this.#begin(all, upTo)
          return true
        },
        send: (all, frames, upTo) => this.#send(all, frames, upTo),
        join: (rests) => {
          if (!this.#refused(wanted)) this.#join(rests, begun)
        },
      })
    } catch (error) {
      for (const name of begun ? names : []) this.#channels.delete(name)
      // A stream can't ask for one channel again.
      if (begun && this.#socket.hold) this.#listener.close(closeCodes.restarting, "the database does not answer")
      throw error
    } finally {
      if (this.#replaying === names) this.#replaying = none
      if (begun && this.#channels.size > 0) this.#socket.subscribe(positionTopic)
    }
  }

  unsubscribe(given: string): void {
    const name = parseChannel(given)?.name ?? given
    if (this.#channels.delete(name)) {
      this.#socket.unsubscribe(name)
      this.#listener.send({ type: "unsubscribed", channel: name })
    } else this.#listener.error("not_subscribed", "This socket does not listen to that channel.", { channel: name })
  }

  /** The client no longer wants the channel of the replay under way. */
  stopReplay(given: string): void {
    const name = parseChannel(given)?.name
    if (name !== undefined && this.#replaying.includes(name)) this.#replaying = none
  }

  /** The client has read what waited for it. */
  drained(): void {
    this.#drained?.()
  }

  clear(): void {
    this.#channels.clear()
    this.#drained?.()
  }

  async #admit(given: string): Promise<FollowedChannel | undefined> {
    const channel = parseChannel(given)
    if (channel === undefined) {
      this.#listener.error("unknown_channel", "There is no channel of that name.", { channel: given })
      return undefined
    }
    const { name } = channel
    const { db, limits } = this.#live
    if (!this.#channels.has(name) && this.#channels.size >= limits.subscriptionsPerSocket) {
      const most = `A socket has at most ${limits.subscriptionsPerSocket} channels.`
      this.#listener.error("too_many", most, { channel: name })
      return undefined
    }
    const placed = await place(db, channel)
    const isPublic = placed !== undefined && !this.#mayListen(placed) && (await isOpenToAll(db, placed))
    if (placed !== undefined && (isPublic || this.#mayListen(placed))) return { ...placed, isPublic }
    this.#forbid(name)
    return undefined
  }

  /** The right may have ended while what was missed was read. */
  #refused(wanted: readonly FollowWish[]): boolean {
    const lost = wanted.find(({ channel }) => !channel.isPublic && !this.#mayListen(channel))
    if (lost === undefined) return false
    if (this.isReplaying || wanted.length > 1)
      this.#listener.close(closeCodes.accessWithdrawn, `no longer allowed: ${lost.channel.name}`)
    else this.#forbid(lost.channel.name)
    return true
  }

  /** What follows takes more than a page. Meanwhile no frame may say that everything was sent. */
  #begin(all: readonly Missed[], upTo: number): void {
    this.#socket.unsubscribe(positionTopic)
    for (const { channel, sent: replayed } of all) {
      this.#channels.set(channel.name, channel)
      this.#listener.send({ type: "subscribed", channel: channel.name, ...this.#at(upTo), replayed, more: true })
    }
  }

  async #send(all: readonly Missed[], frames: readonly FrameText[], upTo: number): Promise<void> {
    for (const missed of all) if (missed.isRefetch) this.#tellRefetch(missed)
    for (const [n, frame] of frames.entries()) {
      if (!(await this.#hasRoom())) return
      if (!this.#socket.hold) this.#socket.send(frame.text)
      else {
        this.#socket.hold(frame)
        // Frames of one position leave together: only the last one has an id.
        if (frames[n + 1]?.position !== frame.position) this.#socket.release?.(frame.position, this.#live.epoch ?? "")
      }
    }
    if (!(await this.#hasRoom())) return
    if (this.#socket.tell) this.#socket.tell(upTo, this.#live.epoch ?? "")
    else
      for (const { channel } of all)
        this.#listener.send({ type: "replayed", channel: channel.name, ...this.#at(upTo), more: true })
  }

  #tellRefetch(missed: Missed): void {
    this.#listener.send({ type: "resync", channel: missed.channel.name, ...this.#at(missed.upTo) })
    missed.isRefetch = false
  }

  #join(rests: readonly Rest[], isBehind: boolean): void {
    this.#socket.cork(() => {
      for (const { missed, frames } of rests) {
        const channel = missed.channel.name
        const at = this.#at(this.#live.positionOf(missed.channel))
        if (!isBehind) this.#listener.send({ type: "subscribed", channel, ...at, replayed: frames.length })
        if (missed.isRefetch) this.#listener.send({ type: "resync", channel, ...at })
        for (const frame of frames) this.#socket.hold ? this.#socket.hold(frame) : this.#socket.send(frame.text)
        if (isBehind && !this.#socket.tell) this.#listener.send({ type: "replayed", channel, ...at })
      }
    })
    for (const { missed } of rests) {
      this.#channels.set(missed.channel.name, missed.channel)
      this.#socket.subscribe(missed.channel.name)
    }
    this.#socket.subscribe(positionTopic)
    this.#socket.release?.(this.#live.position ?? 0, this.#live.epoch ?? "")
  }

  /** Waits until the client has read most of what waits for it. False: it has left, or it reads nothing. */
  async #hasRoom(): Promise<boolean> {
    const { replayWaitingBytes, replayStallMs } = this.#live.limits
    while (!this.#listener.isClosed && this.#socket.getBufferedAmount() > replayWaitingBytes) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#drained = resolve
      void this.#socket.drained?.().then(resolve)
      const timer = setTimeout(() => this.#listener.close(closeCodes.tooSlow, "too slow"), replayStallMs)
      await promise
      clearTimeout(timer)
      this.#drained = undefined
    }
    return !this.#listener.isClosed
  }

  #mayListen(channel: PlacedChannel): boolean {
    const { caller } = this.#listener
    return caller !== undefined && mayListen(caller, channel)
  }

  /** The same words for a channel that does not exist: a stranger learns nothing about other facilities. */
  #forbid(channel: string): void {
    this.#listener.error("forbidden", "You may not listen to this channel.", { channel })
  }

  #at(position: number) {
    return { position: String(position), epoch: this.#live.epoch }
  }
}

const none: readonly string[] = []

const isOpenToAll = async (db: Db, channel: PlacedChannel): Promise<boolean> =>
  isAvailability(channel) && channel.facilityId !== null && (await publicOf(db, [channel.facilityId])).size > 0
