/**
 * The WebSocket part of one server process: its sockets, and its published position in the log.
 * Frames and their position are published in one tick, and a socket joins a topic in one tick. So nothing falls between
 * "replayed up to" and "live from".
 * The access of an open socket is checked again at an interval.
 */
import { authenticate, type Caller } from "#access/caller.ts"
import type { Db } from "#base/database/db.ts"
import { NotAuthenticated } from "#base/errors.ts"
import { isAvailability, type LiveChannel } from "./channels.ts"
import { Connection, type Given, type Socket } from "./connection.ts"
import { type Frame, textOf } from "./frames.ts"
import { closeCodes, type LiveLimits, liveLimits as standardLimits } from "./limits.ts"
import { Strangers } from "./strangers.ts"

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
   * The number of sockets of each person. Counting all sockets again for each new one took seconds of CPU when 10,000
   * came back at once.
   */
  readonly #socketsOf = new Map<string, number>()
  /** The sockets that have brought no token yet. */
  readonly #strangers: Strangers<Connection>
  readonly #catchingUp = new Map<string, Set<string[]>>()
  readonly #started = Promise.withResolvers<number>()
  readonly #replays: { running: number; waiting: (() => void)[] } = { running: 0, waiting: [] }
  readonly #timer: Timer
  /** The published positions: of the frames of events, and of the frames of slots, which take longer. */
  #events: number | undefined
  #slots: number | undefined
  #topics: Topics | undefined
  #resyncs = 0
  #closing = false

  constructor(db: Db, limits: Partial<LiveLimits> = {}) {
    this.db = db
    this.limits = { ...standardLimits, ...limits }
    this.#strangers = new Strangers(this.limits)
    // A check that fails, because the database is away, is repeated a second later. Without a database no frames are
    // sent either.
    this.#timer = setInterval(() => void this.recheck().catch(() => {}), dueCheckMs)
    this.#timer.unref()
  }

  /** This process has published everything up to this position; undefined until its broadcaster has begun. */
  get position(): number | undefined {
    return this.#slots
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
    return this.#catchingUp.has(channel) || (this.#topics?.subscriberCount(channel) ?? 0) > 0
  }

  /** The server that carries the topics, once it listens. */
  attach(topics: Topics): void {
    this.#topics = topics
  }

  /** Publishes the frames of the events up to the position, of all but the availability channels. */
  advanceEvents(frames: readonly Frame[], position: number): void {
    for (const frame of frames) this.#publish(frame)
    this.#events = position
  }

  /** Publishes the rest of the frames up to the position. Everything up to the position is then published. */
  advance(frames: readonly Frame[], position: number): void {
    this.advanceEvents(frames, position)
    this.#slots = position
    this.#started.resolve(position)
  }

  /** How often the log did not continue at the position of this process. */
  get resyncs(): number {
    return this.#resyncs
  }

  /**
   * The log does not continue at this process's position. Every socket is told to refetch, also a socket in a replay.
   */
  resyncAll(position: number): void {
    this.#resyncs++
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
    this.#count(userId, 1)
  }

  disconnect(connection: Connection): void {
    if (!this.#connections.delete(connection)) return
    this.#strangers.remove(connection)
    if (connection.userId !== undefined) this.#count(connection.userId, -1)
  }

  hasRoomFor(caller: Caller): boolean {
    return this.#countOf(caller.userId) < this.limits.socketsPerUser
  }

  /** Resolves with the position when the broadcaster has begun. */
  get started(): Promise<number> {
    return this.#started.promise
  }

  /** Keeps the frames published on a channel from this tick on, for a socket in a replay. */
  keep(channel: string): { readonly texts: readonly string[]; readonly stop: () => void } {
    const texts: string[] = []
    const all = this.#catchingUp.get(channel) ?? new Set()
    this.#catchingUp.set(channel, all.add(texts))
    const stop = () => {
      all.delete(texts)
      if (all.size === 0 && this.#catchingUp.get(channel) === all) this.#catchingUp.delete(channel)
    }
    return { texts, stop }
  }

  /** Runs a replay as soon as fewer than the limit are under way. */
  async replaying<T>(read: () => Promise<T>): Promise<T> {
    const replays = this.#replays
    if (replays.running >= this.limits.replaysAtOnce) await new Promise<void>((go) => replays.waiting.push(go))
    else replays.running++
    try {
      return await read()
    } finally {
      const next = replays.waiting.shift()
      if (next) next()
      else replays.running--
    }
  }

  /**
   * Checks whether sockets may still listen: the sockets whose check is due, or all of them.
   * Returns how many were checked and how many were closed. A token of many sockets is read once.
   */
  async recheck({ all = false } = {}): Promise<{ checked: number; closed: number }> {
    const now = performance.now()
    const due = [...this.#connections].filter((connection) => all || connection.recheckAt <= now)
    const callers = new Map<string, Caller | undefined>()
    let closed = 0
    for (const connection of due) {
      const { token } = connection
      if (token === undefined) continue
      if (!callers.has(token)) callers.set(token, await callerOf(this.db, token))
      if (!connection.recheck(callers.get(token))) closed++
    }
    return { checked: due.length, closed }
  }

  /** Tells every socket to come back later, and refuses new ones. */
  closeAll(): void {
    this.#closing = true
    clearInterval(this.#timer)
    for (const connection of [...this.#connections]) connection.close(closeCodes.restarting, "restarting")
  }

  #publish(frame: Frame): void {
    if (!this.hasSubscribers(frame.channel)) return
    const text = textOf(frame)
    // The result is that of the slowest subscriber, and nothing to act on: a slow subscriber is closed, and resumes.
    this.#topics?.publish(frame.channel, text)
    for (const kept of this.#catchingUp.get(frame.channel) ?? []) kept.push(text)
  }

  #countOf(userId: string): number {
    return this.#socketsOf.get(userId) ?? 0
  }

  #count(userId: string, change: 1 | -1): void {
    const count = this.#countOf(userId) + change
    if (count === 0) this.#socketsOf.delete(userId)
    else this.#socketsOf.set(userId, count)
  }
}

/** The interval at which due sockets are searched. */
const dueCheckMs = 1_000

async function callerOf(db: Db, token: string): Promise<Caller | undefined> {
  try {
    return await authenticate(db, token)
  } catch (error) {
    if (error instanceof NotAuthenticated) return undefined
    throw error
  }
}
