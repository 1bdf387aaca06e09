/** Every limit of the WebSocket part, with its reason, and the close codes. */

export const liveLimits = {
  /** The largest frame that a client sends is a token of 512 characters in JSON. */
  frameBytes: 4 * 1024,
  /**
   * A bigger frame is read to its end up to here, so that the socket is closed in order. Beyond it Bun closes while the
   * client still sends: the client may see a lost connection. The 500 guests of one address can fill 32 MB with it.
   */
  readFrameBytes: 64 * 1024,
  /**
   * Bytes that may wait for a slow client before its socket is closed. A resume heals a lost socket; a growing buffer
   * heals nothing.
   */
  backpressureBytes: 256 * 1024,
  /** A replay joins the live frames with so much at once. It stays well below the bytes that may wait for a client. */
  replayBytes: 128 * 1024,
  /** Events of one page of a replay: 20 ms of database time, and 80 KB of frames. */
  replayEvents: 250,
  /** Positions of the log that one page looks through for them: at most 50 ms. */
  replayScan: 100_000,
  /** Days of resources whose slots one page reads. Beyond this the page has fewer events. */
  replayDays: 40,
  /** A page goes on when no more than this waits for the client. */
  replayWaitingBytes: 64 * 1024,
  /** The time in which a client must have read so much of a page. */
  replayStallMs: 30_000,
  /** Pages of replays that are read at once in this process. After a restart all clients come back at once. */
  replaysAtOnce: 4,
  /** A client that shows a facility of 40 courts needs 45. */
  subscriptionsPerSocket: 100,
  /** Browser tabs and devices of one person, or the processes that share an API key. */
  socketsPerUser: 50,
  /** Sockets without a token. The oldest of them gives way. Sockets whose token is being looked up do not count. */
  strangers: 1_000,
  /** Of these, the sockets of one address. People behind one address send their token within a second. */
  strangersOfAddress: 50,
  /** A socket may send this many frames at once (all its subscriptions after a reconnection), ... */
  framesAtOnce: 150,
  /** ... and this many a second after that. */
  framesPerSecond: 20,
  /** Frames that cannot be understood, before the socket is closed. */
  badFrames: 5,
  /** The time to authenticate. */
  authMs: 10_000,
  /** A process may come to a position later than the one from which a client comes. Milliseconds of waiting for it. */
  reachMs: 5_000,
  /** Sockets that look at public availability without an account. */
  guests: 20_000,
  /** Of these, the sockets of one address: a club's own network, or a school's. */
  guestsOfAddress: 500,
  /** How often all sockets are told the present position. Also shows a page that its socket lives. */
  positionMs: 20_000,
  /** The interval between two checks whether a socket may still listen. Events of the log check at once. */
  recheckMs: 30_000,
  /**
   * The same for API keys, whose end is no event. Few distinct keys are connected, and each is read once. With the
   * search for due sockets it makes less than a second.
   */
  keyRecheckMs: 600,
  /** Days whose slots are computed for one batch of events. Beyond this limit the channel is told to refetch. */
  daysPerBatch: 200,
  /** The client receives something at least this often: a position, or a ping of the protocol after 24 s of silence. */
  pingMs: 25_000,
} as const

/** For `new Elysia({ websocket })` of the listening app: Elysia accepts these options from no plugin. */
export const webSocketOptions = {
  maxPayloadLength: liveLimits.readFrameBytes,
  backpressureLimit: liveLimits.backpressureBytes,
  // Without it Bun drops frames in silence and leaves the socket open with a hole.
  closeOnBackpressureLimit: true,
  perMessageDeflate: false,
  // uWebSockets pings 16 s before this passes, and rounds to multiples of 4 s.
  idleTimeout: 40,
  sendPings: true,
} as const

/** Close codes. A socket closed with 1006 and without a close frame was too slow as well. */
export const closeCodes = {
  /** Also Bun's own for a frame of more than `readFrameBytes`. */
  frameTooBig: 1009,
  protocolError: 4400,
  notAuthenticated: 4401,
  accessWithdrawn: 4403,
  tooSlow: 4008,
  restarting: 4009,
  tooMany: 4429,
} as const

export type LiveLimits = { readonly [Name in keyof typeof liveLimits]: number }
