/**
 * One connection to a vetted address, and the exchanges that it carries one after the other. A request is written once,
 * on one connection. Bun's fetch was given up for this: on a reused connection it sent a PUT again by itself.
 */
import { connect as connectTcp, type Socket } from "node:net"
import { connect as connectTls } from "node:tls"
import { type Call, Deadline } from "#base/deadline.ts"
import { notConnected, notReceived, notSecured, RequestFailed } from "./failures.ts"
import type { RequestHead } from "./request-head.ts"
import type { Stop } from "./time-limit.ts"
import type { Trace } from "./trace.ts"
import { unacknowledgedBytes } from "./unacknowledged.ts"

/** Where a connection leads. */
export interface Way {
  /** Of the connections that may be used for this request: the same scheme, name, port and address. */
  readonly key: string
  readonly address: string
  readonly port: number
  /** The name on the certificate; undefined: plain http. */
  readonly tlsName: string | undefined
}

/** What happens on a connection, for the one exchange that it carries. */
export interface Carried {
  /** Nothing has come yet. */
  readonly isSilent: boolean
  readonly read: (bytes: Buffer) => void
  readonly lost: (error: Error | undefined) => void
}

export class HttpConnection implements Call {
  readonly way: Way
  isOpen = true
  /** On the monotonic timer; it carries nothing since then. 0: it has not been used before. */
  idleSince = 0
  /** Called once, however it ends. */
  onClosed: (connection: HttpConnection) => void = () => {}
  readonly #socket: Socket
  #exchange: Carried | undefined
  /** Bytes of the request under way, without those that TLS adds. */
  #written = 0

  constructor(socket: Socket, way: Way) {
    this.way = way
    this.#socket = socket
    socket.on("data", (bytes: Buffer) => {
      // Bytes that nobody asked for, such as an early 408. They must not be taken for the next request's answer.
      if (this.#exchange) this.#exchange.read(bytes)
      else this.close()
    })
    socket.on("end", () => this.#ended(undefined))
    socket.on("error", (error) => this.#ended(error))
    socket.on("close", () => this.#ended(undefined))
  }

  /** Writes a request; the exchange gets what comes. */
  carry(exchange: Carried, head: RequestHead, body: string | Uint8Array | undefined): void {
    this.#exchange = exchange
    this.#socket.ref()
    const { text, isAscii } = head
    // Bun writes a text of one byte per character at two thirds of the cost of UTF-8.
    const request =
      isAscii && !(body instanceof Uint8Array)
        ? text + (body ?? "")
        : Buffer.concat([
            Buffer.from(text, "latin1"),
            typeof body === "string" ? Buffer.from(body) : Buffer.from(body ?? []),
          ])
    this.#written = request.length
    this.#socket.write(request, "latin1")
    if (this.#wasUsed) silence.start(this)
  }

  /** The request under way has stayed silent for a while. If nobody has received any of it, it ends here. */
  expire(): void {
    const exchange = this.#exchange
    if (exchange?.isSilent) void this.#endUnlessReceived(exchange)
  }

  async #endUnlessReceived(exchange: Carried): Promise<void> {
    const { address, port } = this.way
    const queued = await unacknowledgedBytes({ localPort: this.#socket.localPort ?? 0, address, port })
    if (queued === undefined || this.#exchange !== exchange || !exchange.isSilent) return
    // With TLS the kernel has more to send than was written. As long as it has that much, no record has arrived whole.
    if (queued + this.#socket.writableLength >= this.#written) this.#ended(notReceived(silence.afterMs))
  }

  get #wasUsed(): boolean {
    return this.idleSince > 0
  }

  /** The exchange has ended; answers whether another request may use the connection. */
  release(mayReuse: boolean): boolean {
    this.#exchange = undefined
    if (this.#wasUsed) silence.settle(this)
    if (!mayReuse || !this.isOpen || this.#socket.writableLength > 0) {
      this.close()
      return false
    }
    this.idleSince = performance.now()
    this.#socket.unref() // it does not keep the process alive
    return true
  }

  /** What the kernel knows of the other side's end, such as a FIN, is known here after a turn of the event loop. */
  async isStillOpen(now: number): Promise<boolean> {
    if (this.isOpen && now - this.idleSince > looksAgainMs) await new Promise(setImmediate)
    return this.isOpen
  }

  close(): void {
    this.#ended(undefined)
  }

  #ended(error: Error | undefined): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.#exchange?.lost(error)
    // After a plain end the kernel would go on sending what is not acknowledged, for minutes. A reset drops it.
    if (error instanceof RequestFailed) this.#socket.resetAndDestroy()
    else this.#socket.destroy()
    this.onClosed(this)
  }
}

const looksAgainMs = 20

/**
 * How long a request on a kept connection may stay silent before the kernel is asked. It has sent the request three or
 * four times by then.
 */
const silence = new Deadline(2_000)

/**
 * Connects, and with https agrees on TLS with the certificate checked by name. Throws RequestFailed: nothing was sent.
 * @param limitMs for TCP alone; undefined: only the stop ends it
 */
export function connectTo(way: Way, stop: Stop, limitMs: number | undefined, trace: Trace): Promise<HttpConnection> {
  stop.throwIfStopped()
  const { promise, resolve, reject } = Promise.withResolvers<HttpConnection>()
  const startedAt = performance.now()
  trace.address = way.address
  trace.isReused = false
  let connectedAt: number | undefined
  const { address: host, port, tlsName } = way
  const socket: Socket =
    tlsName === undefined
      ? connectTcp({ host, port, noDelay: true })
      : connectTls({ host, port, ...nameOf(tlsName), ALPNProtocols: ["http/1.1"], rejectUnauthorized: true })
  const timer = limitMs === undefined ? undefined : setTimeout(() => failed(new Error("ETIMEDOUT")), limitMs)
  const end = () => {
    clearTimeout(timer)
    stop.listener = undefined
    for (const [event, listener] of listeners) socket.off(event, listener)
  }
  const giveUp = (failure: RequestFailed) => {
    end()
    socket.on("error", () => {}) // an error after the end interests nobody
    socket.destroy()
    reject(failure)
  }
  const failed = (error: unknown) => giveUp(connectedAt === undefined ? notConnected(error) : notSecured(error))
  const ready = () => {
    end()
    resolve(new HttpConnection(socket, way))
  }
  const connected = () => {
    clearTimeout(timer)
    connectedAt = performance.now()
    trace.connectMs = connectedAt - startedAt
    if (tlsName === undefined) ready()
    else socket.setNoDelay(true)
  }
  const secured = () => {
    trace.tlsMs = performance.now() - (connectedAt ?? startedAt)
    ready()
  }
  const closed = () => failed(new Error("closed"))
  const listeners: readonly [string, (error: unknown) => void][] = [
    ["connect", connected],
    ["secureConnect", secured],
    ["error", failed],
    ["close", closed],
  ]
  for (const [event, listener] of listeners) socket.on(event, listener)
  stop.listener = giveUp
  return promise
}

/** A literal address is no server name (RFC 6066), and the certificate is checked for the address then. */
const nameOf = (name: string) => (/^[0-9.]+$|:/.test(name) ? {} : { servername: name.replace(/\.$/, "") })
