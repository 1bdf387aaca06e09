/** The types of the live client. */

/** A place in the event log. Positions repeat in another epoch: after a restore, or in another database. */
export interface LivePlace {
  readonly position: string
  readonly epoch?: string | undefined
}

/** An event of a channel. docs/live.md has the payload of each type. */
export interface LiveEvent extends LivePlace {
  readonly type: "availability.changed" | "booking.update" | "notification" | "feedback.new"
  readonly channel: string
  readonly eventId: string
  readonly payload: Readonly<Record<string, unknown>>
}

/** What a follower of a channel is told. */
export interface LiveChanges {
  readonly onEvent: (event: LiveEvent) => void
  /** Where the follower's data stands, such as the ETag of GET /availability. Left out: the snapshot says it. */
  readonly after?: LivePlace | string | undefined
  /**
   * Reads the data of the channel afresh, and answers where the data stands: a place, or an ETag. Called at the
   * beginning unless `after` is given, and when missed events are no longer kept. Events that come meanwhile are told
   * after it. A snapshot that fails is tried again.
   */
  readonly snapshot?: (why: "start" | "resync") => Promise<LivePlace | string | null | undefined>
  /** The server refuses the channel ("forbidden", "unknown_channel", "too_many"). It is no longer followed. */
  readonly onRefused?: (code: string, message: string) => void
}

/** `ended`: the server has given a reason not to come back, or the client was closed. */
export type LiveState = "connecting" | "live" | "waiting" | "ended"

export interface LiveStanding {
  /** The close code of the last connection. */
  readonly code?: number
  readonly reason?: string
  /** Milliseconds until the next attempt. */
  readonly retryInMs?: number
}

/** A frame of the server, as the followers read it. */
export interface ServerFrame {
  readonly type: string
  readonly channel?: string
  readonly position?: string
  readonly epoch?: string
  readonly replayed?: number
  /** More frames of this position follow on this channel. */
  readonly more?: boolean
  readonly code?: string | number
  readonly message?: string
  readonly reason?: string
  readonly pingMs?: number
}

/** A channel with the place to continue from. */
export interface WantedChannel {
  readonly channel: string
  readonly place: LivePlace | undefined
}

export interface LinkOptions {
  readonly url: string
  readonly token: string | undefined
  /** The channels that may be joined now. */
  readonly channels: () => readonly WantedChannel[]
  readonly onFrame: (frame: ServerFrame) => void
  /** The connection has ended, with a close code. Told once. */
  readonly onEnd: (code: number, reason: string) => void
}

/** One connection to the server, by WebSocket or by Server-Sent Events. */
export interface Link {
  /** False: this connection can't take the channel; another one must be opened. */
  readonly subscribe: (channel: string, place: LivePlace | undefined) => boolean
  readonly unsubscribe: (channel: string) => void
  /** Asks for an answer. False: this connection can't ask. */
  readonly ping: () => boolean
  readonly renew?: (token: string) => void
  readonly close: () => void
}

export type OpenLiveLink = (options: LinkOptions) => Link
