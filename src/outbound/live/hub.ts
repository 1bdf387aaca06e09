/** What stands on both sides of a connection: its socket, and the live part of its process. */
import type { Caller } from "#access/caller.ts"
import type { Db } from "#base/database/db.ts"
import type { LiveChannel } from "./channels.ts"
import type { LiveLimits } from "./limits.ts"
import type { FrameText } from "./log-row.ts"

/** The part of Bun's socket that a connection needs. */
export interface Socket {
  send(text: string): number
  /** Sends a frame of a channel in the order of the log. Left out: `send` does. */
  hold?(frame: FrameText): void
  /** Writes what is held, up to a position. */
  release?(position: number, epoch: string): void
  /** Says that everything up to a position was sent on all channels. Left out: a topic says it. */
  tell?(position: number, epoch: string): void
  /** How many bytes wait for the client. */
  getBufferedAmount(): number
  /** Resolves when they have left. Left out: the connection is told. */
  drained?(): Promise<void>
  /** Leaves all topics. Left out: a socket that is closed has left them. */
  leave?(): void
  close(code: number, reason: string): void
  subscribe(topic: string): void
  unsubscribe(topic: string): void
  cork(write: () => void): unknown
}

/** The part of a connection that its subscriptions need. */
export interface Listener {
  readonly caller: Caller | undefined
  readonly isClosed: boolean
  send(frame: object): void
  error(code: string, message: string, about?: { channel?: string }): void
  close(code: number, reason: string): void
}

/** The part of the live server that a connection needs. */
export interface Hub<One> {
  readonly db: Db
  readonly limits: LiveLimits
  readonly position: number | undefined
  readonly epoch: string | undefined
  readonly started: Promise<number>
  reached(position: number): Promise<boolean>
  readonly resyncs: number
  positionOf(channel: LiveChannel): number
  hasRoomFor(caller: Caller): boolean
  identified(connection: One, userId: string): void
  admitGuest(connection: One): boolean
  disconnect(connection: One): void
  keep(channel: string): { readonly texts: readonly FrameText[]; readonly stop: () => void }
  replaying<T>(read: () => Promise<T>): Promise<T>
}
