/** Every limit of the WebSocket part, with its reason, and the close codes. */

export const liveLimits = {
  /** The largest frame that a client sends is a token of 512 characters in JSON. */
  frameBytes: 4 * 1024,
  /** What may wait for a slow client before it is closed. A resume heals it, a growing buffer heals nothing. */
  backpressureBytes: 256 * 1024,
  /** A replay goes out at once, so it stays well below what a slow client may have waiting. */
  replayBytes: 128 * 1024,
  /** More than this is quicker to refetch than to be told. */
  replayFrames: 1_000,
  /** Positions of the log that one replay looks at: at most 100 ms of the database. */
  replayReach: 5_000,
  /** Replays under way in this process: after a restart everybody comes back at once. */
  replaysAtOnce: 4,
  /** Somebody with a facility of 40 courts on screen needs 45. */
  subscriptionsPerSocket: 100,
  /** Browser tabs and devices of one person, or the processes that share an API key. */
  socketsPerUser: 50,
  /** Sockets that have not said who they are. */
  strangers: 1_000,
  /** A socket may send this many frames at once (all its subscriptions after a reconnection), ... */
  framesAtOnce: 150,
  /** ... and this many a second after that. */
  framesPerSecond: 20,
  /** Frames that cannot be understood, before the socket is closed. */
  badFrames: 5,
  /** To say who one is. */
  authMs: 10_000,
  /** Between two looks at whether a socket may still hear what it hears. */
  recheckMs: 30_000,
  /** Days whose slots are computed for one batch of events; beyond it the channel is told to refetch. */
  daysPerBatch: 200,
  /** The client hears something at least so often: the protocol's pings come after 24 s of silence. */
  pingMs: 25_000,
} as const

/** For `new Elysia({ websocket })` of the app that listens: Elysia takes it from no plugin. */
export const webSocketOptions = {
  maxPayloadLength: liveLimits.frameBytes,
  backpressureLimit: liveLimits.backpressureBytes,
  // Without it Bun drops frames in silence and leaves the socket open with a hole.
  closeOnBackpressureLimit: true,
  perMessageDeflate: false,
  // uWebSockets pings 16 s before this passes, and rounds to multiples of 4 s.
  idleTimeout: 40,
  sendPings: true,
} as const

/** Close codes; 1006 without a close frame is a socket that was too slow as well. */
export const closeCodes = {
  protocolError: 4400,
  notAuthenticated: 4401,
  accessWithdrawn: 4403,
  tooSlow: 4008,
  restarting: 4009,
  tooMany: 4429,
} as const

export type LiveLimits = { readonly [Name in keyof typeof liveLimits]: number }
