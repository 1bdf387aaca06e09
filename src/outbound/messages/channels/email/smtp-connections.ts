/**
 * Connections to one SMTP server, on nodemailer's SMTPConnection. Each carries one mail at a time. A mail waits for a
 * free connection, or for a new one while there are fewer than allowed.
 * nodemailer's own pool logs, wraps and copies for every mail: 0.9 ms of CPU against 0.4 ms
 * (`scripts/bench messages`).
 */
import { parseConnectionUrl } from "nodemailer/lib/shared"
import SMTPConnection, { type SMTPConnectionEnvelope, type SMTPEnvelope } from "nodemailer/lib/smtp-connection"

export interface RawMail {
  readonly envelope: SMTPEnvelope
  readonly raw: string
}

export interface ConnectionLimits {
  readonly maxConnections: number
  /** Milliseconds until the greeting. */
  readonly connectionTimeout: number
  /** Milliseconds between two answers of the server. */
  readonly socketTimeout: number
}

/** The service failed before a byte of the mail was sent. The cause has its words. */
export class NothingSent extends Error {
  constructor(
    override readonly cause: Error,
    /** This process stops. That says nothing about the service. */
    readonly isStopped = false,
  ) {
    super(cause.message)
  }
}

/** Below the five minutes after which servers may close (RFC 5321, 4.5.3.2), so that they never meet a mail. */
const idleMs = 240_000

export class SmtpConnections {
  readonly #open: () => SMTPConnection
  readonly #auth: { user: string; pass: string } | undefined
  readonly #max: number
  readonly #all = new Set<SMTPConnection>()
  /** Free ones with their timers. The last used is used first, so those not needed end. */
  readonly #free: { connection: SMTPConnection; timer: NodeJS.Timeout }[] = []
  readonly #waiting: (() => void)[] = []

  constructor(url: string, { maxConnections, connectionTimeout, socketTimeout }: ConnectionLimits) {
    const { auth, ...server } = parseConnectionUrl(url)
    const limits = { connectionTimeout, greetingTimeout: connectionTimeout, socketTimeout }
    this.#open = () => new SMTPConnection({ ...limits, ...server })
    this.#auth = auth?.user || auth?.pass ? { user: auth.user ?? "", pass: auth.pass ?? "" } : undefined
    this.#max = maxConnections
  }

  /**
   * Throws the server's answer, `NothingSent`, or the reason of the signal. After that reason the outcome is unknown:
   * the content had begun to leave.
   */
  async send(mail: RawMail, signal: AbortSignal): Promise<void> {
    for (;;) {
      const { connection, isKept } = await this.#take(signal).catch((error: Error) => {
        throw signal.aborted ? new NothingSent(error, true) : error
      })
      try {
        return await this.#sendBy(connection, mail, signal)
      } catch (error) {
        // The server may have ended a connection that was idle. Nothing was sent, so another one carries the mail.
        if (!isKept || !(error instanceof NothingSent)) throw error
      }
    }
  }

  close(): void {
    for (const { timer } of this.#free.splice(0)) clearTimeout(timer)
    for (const connection of this.#all) connection.close()
  }

  async #take(signal: AbortSignal): Promise<{ connection: SMTPConnection; isKept: boolean }> {
    while (this.#free.length === 0 && this.#all.size >= this.#max) await this.#place(signal)
    const kept = this.#free.pop()
    if (kept === undefined) return { connection: await this.#connect(signal), isKept: false }
    clearTimeout(kept.timer)
    return { connection: kept.connection, isKept: true }
  }

  /** Resolves when a connection may be free. */
  async #place(signal: AbortSignal): Promise<void> {
    const place = Promise.withResolvers<void>()
    this.#waiting.push(place.resolve)
    const stop = () => place.reject(signal.reason)
    signal.addEventListener("abort", stop)
    try {
      signal.throwIfAborted()
      await place.promise
    } finally {
      signal.removeEventListener("abort", stop)
      const at = this.#waiting.indexOf(place.resolve)
      if (at >= 0) this.#waiting.splice(at, 1)
    }
  }

  #connect(signal: AbortSignal): Promise<SMTPConnection> {
    const connection = this.#open()
    this.#all.add(connection)
    connection.once("end", () => this.#forget(connection))
    return ended(connection, signal, (resolve, reject) => {
      const fail = (error: Error) => {
        connection.close()
        reject(new NothingSent(error))
      }
      // What happens to an idle connection is no failure: its end follows.
      connection.on("error", fail)
      const ready = (error?: Error | null) => (error ? fail(error) : resolve(connection))
      connection.connect((error) => {
        if (error || this.#auth === undefined || !connection.allowsAuth) return ready(error)
        const { user, pass } = this.#auth
        connection.login({ user, credentials: { user, pass } }, ready)
      })
    })
  }

  async #sendBy(connection: SMTPConnection, { envelope, raw }: RawMail, signal: AbortSignal): Promise<void> {
    let begun = false
    const content = {
      pipe: (to: NodeJS.WritableStream) => {
        begun = true
        to.end(raw)
      },
    }
    try {
      await ended<void>(connection, signal, (resolve, reject) =>
        connection.send({ ...envelope } as SMTPConnectionEnvelope, content as never, (error) =>
          error ? reject(error) : resolve(),
        ),
      )
      this.#release(connection)
    } catch (error) {
      const { code, responseCode = 0 } = error as { code?: string; responseCode?: number }
      const isAnswer = code === "EENVELOPE" || code === "EMESSAGE"
      if (isAnswer && responseCode !== 421 && this.#all.has(connection)) this.#reset(connection)
      else connection.close()
      throw begun || isAnswer || responseCode > 0 ? error : new NothingSent(error as Error, signal.aborted)
    }
  }

  /** After a refused mail: the same connection takes the next. */
  #reset(connection: SMTPConnection): void {
    connection.reset((error) => (error ? connection.close() : this.#release(connection)))
  }

  #release(connection: SMTPConnection): void {
    if (!this.#all.has(connection)) return
    const timer = setTimeout(() => {
      this.#unlist(connection)
      connection.quit()
    }, idleMs)
    timer.unref()
    this.#free.push({ connection, timer })
    this.#waiting.shift()?.()
  }

  #forget(connection: SMTPConnection): void {
    this.#all.delete(connection)
    this.#unlist(connection)
    this.#waiting.shift()?.()
  }

  #unlist(connection: SMTPConnection): void {
    const at = this.#free.findIndex((each) => each.connection === connection)
    if (at >= 0) clearTimeout(this.#free.splice(at, 1)[0]?.timer)
  }
}

/** A step of a connection. The signal ends it, and with it the connection. */
async function ended<T>(
  connection: SMTPConnection,
  signal: AbortSignal,
  step: (resolve: (value: T) => void, reject: (error: Error) => void) => void,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const stop = () => {
    connection.close()
    reject(signal.reason)
  }
  signal.addEventListener("abort", stop)
  try {
    signal.throwIfAborted()
    step(resolve, reject)
    return await promise
  } finally {
    signal.removeEventListener("abort", stop)
  }
}
