/**
 * `slotbase/live`: the live client for browsers, Node, Bun and Deno. It needs no package.
 * Every event of a channel arrives once and in order, also over reconnections and restarts of the server. When events
 * are no longer kept, the snapshot callback reads the data afresh. A token is never put into an address.
 */
import { afterClose, retryMs, steadyMs } from "./reconnect.ts"
import { openSocket } from "./socket.ts"
import { openStream } from "./stream.ts"
import { Followed } from "./subscription.ts"
import type { Link, LiveChanges, LiveStanding, LiveState, OpenLiveLink, ServerFrame } from "./types.ts"

export type { LiveChanges, LiveEvent, LivePlace, LiveStanding, LiveState } from "./types.ts"

export interface LiveOptions {
  /** The address of the server, such as "https://book.example". Default: the origin of the page. */
  readonly url?: string
  /**
   * The person's token, asked for at every connection. `renew` is true when the server has refused the last one.
   * Undefined: without an account, for public channels.
   */
  readonly token?: (renew: boolean) => string | undefined | Promise<string | undefined>
  /** Hears every change of the connection, for a notice on the page. */
  readonly onState?: (state: LiveState, standing: LiveStanding) => void
  /** Default "auto": WebSocket, and Server-Sent Events where no WebSocket opens. */
  readonly transport?: "auto" | "websocket" | "sse"
}

export interface LiveConnection {
  readonly state: LiveState
  /** Follows a channel until the returned function is called. Throws when the channel is followed already. */
  subscribe(channel: string, changes: LiveChanges): () => void
  /** Continues with a newer token of the same person: asks `token` for it. */
  renew(): void
  /** Connects at once instead of after the wait. Also begins again after "ended". */
  reconnect(): void
  close(): void
}

export function connectLive(options: LiveOptions = {}): LiveConnection {
  const { transport = "auto", onState } = options
  const url = (options.url ?? (globalThis as { location?: { origin: string } }).location?.origin ?? "").replace(
    /\/$/,
    "",
  )
  const followed = new Set<Followed>()
  let state: LiveState = "connecting"
  let link: Link | undefined
  /** Counts the attempts, so that what an earlier one still says is not heard. */
  let attempt = 0
  let failures = 0
  let socketFailures = 0
  let refused = 0
  let readyAt: number | undefined
  let pingMs = 25_000
  let timer: Timer | undefined
  let silence: Timer | undefined
  let planned = false

  function tell(next: LiveState, standing: LiveStanding = {}): void {
    state = next
    onState?.(next, standing)
  }

  async function open(): Promise<void> {
    drop()
    const mine = ++attempt
    tell("connecting")
    watch(openMs)
    let token: string | undefined
    try {
      token = await options.token?.(refused > 0)
    } catch {
      if (mine === attempt) ended(1006, "no token")
      return
    }
    if (mine !== attempt) return
    const openLink: OpenLiveLink =
      transport === "sse" || (transport === "auto" && useStream()) ? openStream : openSocket
    try {
      link = openLink({
        url,
        token,
        channels: () => [...followed].filter((each) => each.isPlaced),
        onFrame: (frame) => mine === attempt && hear(frame),
        onEnd: (code, reason) => mine === attempt && ended(code, reason),
      })
    } catch (error) {
      // An address or a token that no connection can take, or no WebSocket here. The same again would fail again.
      ended(4400, String(error))
    }
  }

  /** Two sockets in a row that never were ready, then a stream, then sockets again. Node before 22 has no WebSocket. */
  const useStream = () => typeof WebSocket === "undefined" || socketFailures % 3 === 2

  function hear(frame: ServerFrame): void {
    watch(pingMs + graceMs)
    if (frame.type === "ready") {
      pingMs = frame.pingMs ?? pingMs
      refused = socketFailures = 0
      readyAt = Date.now()
      state = "live"
      for (const each of followed) each.connected(join)
      tell("live")
    } else for (const each of [...followed]) each.hear(frame, join)
  }

  function join(one: Followed): void {
    if (state !== "live") return
    if (link?.subscribe(one.channel, one.place) === false) plan()
  }

  /** A stream has its channels in its address, so others need another stream. Several changes are one. */
  function plan(): void {
    if (planned) return
    planned = true
    setTimeout(() => {
      planned = false
      if (state === "live") void open()
    }, 20)
  }

  function ended(code: number, reason: string): void {
    const lasted = readyAt === undefined ? 0 : Date.now() - readyAt
    if (readyAt === undefined) socketFailures++
    failures = lasted > steadyMs ? 0 : failures + 1
    drop()
    const next = afterClose(code)
    if (code === 4401) refused++
    if (next === "end" || (next === "renew" && (options.token === undefined || refused > 1))) {
      tell("ended", { code, reason })
      return
    }
    const inMs = retryMs(next, failures)
    tell("waiting", { code, reason, retryInMs: inMs })
    timer = setTimeout(open, inMs)
  }

  /** Leaves the present link, and everything that waits. */
  function drop(): void {
    attempt++
    clearTimeout(timer)
    clearTimeout(silence)
    readyAt = undefined
    const old = link
    link = undefined
    for (const each of followed) each.disconnected()
    old?.close()
  }

  /** A link that says nothing for so long is dead, although nobody has closed it. */
  function watch(ms: number): void {
    clearTimeout(silence)
    silence = setTimeout(() => ended(1006, "silence"), ms)
  }

  /** The network came back, or the page is looked at again: a waiting client need not wait, a live one asks. */
  function wake(): void {
    if (state === "waiting") void open()
    else if (state === "live" && link?.ping()) watch(wakeMs)
  }

  const page = globalThis as unknown as EventTarget
  const listens = typeof page.addEventListener === "function"
  if (listens) page.addEventListener("online", wake)

  queueMicrotask(() => attempt === 0 && void open())

  return {
    get state() {
      return state
    },
    subscribe(channel, changes) {
      const one = new Followed(channel.toLowerCase(), changes, () => followed.delete(one))
      if ([...followed].some((each) => each.channel === one.channel)) throw new Error(`already followed: ${channel}`)
      followed.add(one)
      one.begin(join)
      return () => {
        if (!followed.delete(one)) return
        one.end()
        link?.unsubscribe(one.channel)
      }
    },
    renew() {
      if (state !== "live" || link?.renew === undefined) return void open()
      const used = link
      void Promise.resolve(options.token?.(true)).then(
        (token) => token !== undefined && used === link && used.renew?.(token),
        () => {},
      )
    },
    reconnect: () => {
      failures = refused = 0
      void open()
    },
    close() {
      drop()
      if (listens) page.removeEventListener("online", wake)
      tell("ended", { code: 1000, reason: "closed" })
    },
  }
}

/** The time to become ready. */
const openMs = 15_000
/**
 * More than the server promises between two frames, for slow networks. With the server's 25 seconds a silent network is
 * found after 33.
 */
const graceMs = 8_000
/** The time for an answer after the network came back. */
const wakeMs = 5_000
