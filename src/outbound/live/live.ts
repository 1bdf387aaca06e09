/**
 * The live part of one server process: its sockets and streams, and its published position in the log.
 * Frames and their position are published in one tick, and a socket joins a topic in one tick. So nothing falls between
 * "replayed up to" and "live from".
 * The access of an open socket is checked again when an event tells of less access, and at an interval.
 */
import type { Caller } from "#access/caller.ts"
import type { Db } from "#base/database/db.ts"
import { isAvailability, type LiveChannel } from "./channels.ts"
import { Connection, type Given } from "./connection.ts"
import { type Frame, type FrameText, positionTopic, textOf, textOfPosition, withMore } from "./frames.ts"
import { Guests } from "./guests.ts"
import type { Socket } from "./hub.ts"
import { closeCodes, type LiveLimits, liveLimits as standardLimits } from "./limits.ts"
import { ReachedPositions } from "./reached.ts"
import { recheckAll } from "./recheck.ts"
import { ReplayTurns } from "./replay-turns.ts"
import { Strangers } from "./strangers.ts"
import { Streams } from "./streams.ts"

/** The part of Bun's server that publishes to topics. */
export interface Topics {
  publish(topic: string, text: string): number
  subscriberCount(topic: string): number
}

export class Live {
  readonly db: Db
  readonly limits: LiveLimits
  readonly #connections = new Set<Connection>()
  /**
   * The sockets of each person. Counting all sockets again for each new one took seconds of CPU when 10,000 came back
   * at once.
   */
  readonly #socketsOf = new Map<string, Set<Connection>>()
  /** The sockets that have brought no token yet. */
  readonly #strangers: Strangers<Connection>
  readonly #guests: Guests
  readonly streams = new Streams()
  readonly #catchingUp = new Map<string, Set<FrameText[]>>()
  readonly #started = Promise.withResolvers<number>()
  readonly #replays: ReplayTurns
  readonly #reached = new ReachedPositions()
  readonly #timers: readonly Timer[]
  /** The published positions: of the frames of events, and of the frames of slots, which take longer. */
  #events: number | undefined
  #slots: number | undefined
  #epoch: string | undefined
  #topics: Topics | undefined
  #resyncs = 0
  #closing = false

  constructor(db: Db, limits: Partial<LiveLimits> = {}) {
    this.db = db
    this.limits = { ...standardLimits, ...limits }
    this.#strangers = new Strangers(this.limits)
    this.#guests = new Guests(this.limits)
    this.#replays = new ReplayTurns(this.limits.replaysAtOnce)
    // Without a database no frames are sent either.
    this.#timers = [
      setInterval(() => void this.recheck().catch(() => {}), dueCheckMs),
      setInterval(() => this.tellPosition(), this.limits.positionMs),
    ]
    for (const timer of this.#timers) timer.unref()
  }

  /** This process has published everything up to this position; undefined until its broadcaster has begun. */
  get position(): number | undefined {
    return this.#slots
  }

  /** The epoch of the log that this process publishes; undefined until its broadcaster has begun. */
  get epoch(): string | undefined {
    return this.#epoch
  }

  /** This process has published the frames of events up to this position. The frames of slots may be behind. */
  get eventPosition(): number | undefined {
    return this.#events
  }

  /** This process has published the frames of this channel up to this position. */
  positionOf(channel: LiveChannel): number {
    return (isAvailability(channel) ? this.#slots : this.#events) ?? 0
  }

  /** No client is connected, so new positions need not be read. */
  get isEmpty(): boolean {
    return this.#connections.size === 0
  }

  /** Whether a socket in this process listens to a channel, or is about to. */
  hasSubscribers(channel: string): boolean {
    return (
      this.#catchingUp.has(channel) || (this.#topics?.subscriberCount(channel) ?? 0) > 0 || this.streams.has(channel)
    )
  }

  /** The server that carries the topics, once it listens. */
  attach(topics: Topics): void {
    this.#topics = topics
  }

  /** Goes on from a position without sending anything: nobody listens, or the broadcaster begins. */
  begin(position: number, epoch: string): void {
    this.#epoch = epoch
    this.advance([], position)
  }

  /** Publishes the frames of the events up to the position, of all but the availability channels. */
  advanceEvents(frames: readonly Frame[], position: number): void {
    for (const frame of withMore(frames.filter(({ channel }) => this.hasSubscribers(channel)))) this.#publish(frame)
    this.#events = position
  }

  /** Publishes the rest of the frames up to the position. Everything up to the position is then published. */
  advance(frames: readonly Frame[], position: number): void {
    this.advanceEvents(frames, position)
    this.#slots = position
    this.streams.release(position, this.#epoch ?? "")
    this.#reached.come(position)
    this.#started.resolve(position)
  }

  /** Tells every client that it has missed nothing up to the present position. */
  tellPosition(): void {
    if (this.#slots === undefined) return
    this.#topics?.publish(positionTopic, textOfPosition("position", this.#slots, this.#epoch))
    this.streams.tell(this.#slots, this.#epoch ?? "")
  }

  /** Resolves when everything up to the position is published; false: that took too long. */
  reached(position: number): Promise<boolean> {
    return (this.#slots ?? -1) >= position ? Promise.resolve(true) : this.#reached.wait(position, this.limits.reachMs)
  }

  /** How often the log did not continue at the position of this process. */
  get resyncs(): number {
    return this.#resyncs
  }

  /**
   * The log does not continue at this process's position, or it is another log. Every socket is told to refetch, also a
   * socket in a replay.
   */
  resyncAll(position: number, epoch = this.#epoch): void {
    this.#resyncs++
    this.#epoch = epoch
    this.advance([], position)
    for (const connection of this.#connections) connection.resync(position)
  }

  /**
   * Registers a new socket. Its token, if it came with one, is looked up first: the socket then takes no stranger's
   * place. A handshake is a request, and counts as one on its token or address (http/request-rates.ts).
   */
  connect(socket: Socket, given: Given): Connection {
    const connection = new Connection(this, socket, given)
    this.#connections.add(connection)
    if (this.#closing) connection.close(closeCodes.restarting, "restarting")
    else if (given.token !== undefined) connection.receive({ type: "auth", token: given.token })
    else this.#strangers.add(connection)?.close(closeCodes.tooMany, "too many sockets without a token")
    return connection
  }

  /** A socket has authenticated. */
  identified(connection: Connection, userId: string): void {
    this.#strangers.remove(connection)
    this.#socketsOf.set(userId, (this.#socketsOf.get(userId) ?? new Set()).add(connection))
  }

  /** A socket goes on without an account. False: there is no room for it. */
  admitGuest(connection: Connection): boolean {
    this.#strangers.remove(connection)
    return this.#guests.add(connection.share)
  }

  disconnect(connection: Connection): void {
    if (!this.#connections.delete(connection)) return
    this.#strangers.remove(connection)
    if (connection.isGuest) this.#guests.remove(connection.share)
    const { userId } = connection
    if (userId === undefined) return
    const sockets = this.#socketsOf.get(userId)
    sockets?.delete(connection)
    if (sockets?.size === 0) this.#socketsOf.delete(userId)
  }

  hasRoomFor(caller: Caller): boolean {
    return (this.#socketsOf.get(caller.userId)?.size ?? 0) < this.limits.socketsPerUser
  }

  /** Resolves with the position when the broadcaster has begun. */
  get started(): Promise<number> {
    return this.#started.promise
  }

  /** Keeps the frames published on a channel from this tick on, for a socket in a replay. */
  keep(channel: string): { readonly texts: readonly FrameText[]; readonly stop: () => void } {
    const texts: FrameText[] = []
    const all = this.#catchingUp.get(channel) ?? new Set()
    this.#catchingUp.set(channel, all.add(texts))
    const stop = () => {
      all.delete(texts)
      if (all.size === 0 && this.#catchingUp.get(channel) === all) this.#catchingUp.delete(channel)
    }
    return { texts, stop }
  }

  /** Runs a replay as soon as fewer than the limit are under way. */
  replaying<T>(read: () => Promise<T>): Promise<T> {
    return this.#replays.take(read)
  }

  /**
   * Checks whether sockets may still listen: the sockets whose check is due, or all of them.
   * Returns how many were checked and how many were closed. A token of many sockets is read once.
   */
  async recheck({ all = false } = {}): Promise<{ checked: number; closed: number }> {
    const now = performance.now()
    const due = this.#connections.values().filter((connection) => all || connection.recheckAt <= now)
    return recheckAll(this.db, due.toArray())
  }

  /** These people may have less access than before, or these facilities show less. Their sockets are checked now. */
  accessChanged({ users, facilities }: { users: ReadonlySet<string>; facilities: ReadonlySet<string> }): void {
    const concerned = [...users].flatMap((userId) => [...(this.#socketsOf.get(userId) ?? [])])
    if (facilities.size > 0)
      concerned.push(...[...this.#connections].filter((connection) => connection.listensIn(facilities)))
    if (concerned.length === 0) return
    for (const connection of concerned) connection.recheckAt = 0
    void this.recheck().catch(() => {})
  }

  /** Tells every socket to come back later, and refuses new ones. */
  closeAll(): void {
    this.#closing = true
    for (const timer of this.#timers) clearInterval(timer)
    for (const connection of [...this.#connections]) connection.close(closeCodes.restarting, "restarting")
  }

  #publish(frame: Frame): void {
    const text = textOf(frame, this.#epoch)
    // The result is that of the slowest subscriber, and nothing to act on: a slow subscriber is closed, and resumes.
    this.#topics?.publish(frame.channel, text)
    const sent = { position: frame.position, text }
    this.streams.publish(frame.channel, sent)
    for (const kept of this.#catchingUp.get(frame.channel) ?? []) kept.push(sent)
  }
}

/** The interval at which due sockets are searched: 0.1 ms of 10,000. */
const dueCheckMs = 200
