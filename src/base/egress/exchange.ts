/**
 * One request on one connection, until its answer has been read as far as it is wanted. With a time for the body, the
 * head decides. An answer whose head came in time is an answer, however its body ends.
 */
import type { Call } from "#base/deadline.ts"
import { AnswerReader } from "./answer-reader.ts"
import type { Carried, HttpConnection } from "./connection.ts"
import { connectionLost, RequestFailed } from "./failures.ts"
import type { RequestHead } from "./request-head.ts"
import { deadlineOf, type Stop } from "./time-limit.ts"
import type { Trace } from "./trace.ts"

/**
 * - complete: to its end.
 * - cut: the rest was not read, because the body is longer than what is kept.
 * - late: it had not ended in time.
 * - lost: the connection ended before it.
 * - unreadable: its length or its chunks make no sense.
 */
export type BodyEnd = "complete" | "cut" | "late" | "lost" | "unreadable"

export interface RawAnswer {
  readonly status: number
  readonly headers: AnswerReader["headers"]
  readonly body: Uint8Array
  readonly bodyEnd: BodyEnd
}

export interface Asked {
  readonly method: string
  readonly head: RequestHead
  readonly body: string | Uint8Array | undefined
  /** Bytes of the answer's body that are kept. */
  readonly limit: number
  /** Milliseconds for the body after the head; undefined: an answer without its whole body is a failure. */
  readonly bodyMs: number | undefined
}

export class Exchange implements Call, Carried {
  readonly answer: Promise<RawAnswer>
  readonly #connection: HttpConnection
  readonly #asked: Asked
  readonly #stop: Stop
  readonly #trace: Trace
  readonly #reader: AnswerReader
  readonly #settle = Promise.withResolvers<RawAnswer>()
  readonly #sentAt = performance.now()
  #firstAt: number | undefined
  #isWaitingForBody = false
  #isSettled = false

  constructor(connection: HttpConnection, asked: Asked, stop: Stop, trace: Trace) {
    this.#connection = connection
    this.#asked = asked
    this.#stop = stop
    this.#trace = trace
    this.#reader = new AnswerReader(asked.method, asked.limit)
    this.answer = this.#settle.promise
    stop.listener = (failure) => this.#broken(failure, "late")
    trace.head = asked.head.text
    connection.carry(this, asked.head, asked.body)
  }

  get isSilent(): boolean {
    return this.#firstAt === undefined
  }

  read(bytes: Buffer): void {
    if (this.#firstAt === undefined) {
      this.#firstAt = performance.now()
      this.#trace.firstByteMs = this.#firstAt - this.#sentAt
    }
    try {
      this.#reader.read(bytes)
    } catch (error) {
      this.#broken(error as RequestFailed, "unreadable")
      return
    }
    if (this.#reader.isComplete) this.#answered("complete")
    else if (this.#reader.isCut) this.#answered("cut")
    else if (this.#reader.hasHead) this.#waitForBody()
  }

  lost(error: Error | undefined): void {
    if (error instanceof RequestFailed) this.#broken(error, "lost")
    else if (error === undefined && this.#reader.hasHead && this.#reader.end()) this.#answered("complete")
    else this.#broken(connectionLost(error ?? "closed", this.#trace.isReused === true), "lost")
  }

  /** The body's own time is over. */
  expire(): void {
    this.#isWaitingForBody = false
    this.#answered("late")
  }

  #waitForBody(): void {
    const { bodyMs } = this.#asked
    if (this.#isWaitingForBody || bodyMs === undefined) return
    this.#isWaitingForBody = true
    deadlineOf(bodyMs).start(this)
  }

  #broken(failure: RequestFailed, bodyEnd: BodyEnd): void {
    if (this.#reader.hasHead && this.#asked.bodyMs !== undefined) {
      this.#answered(bodyEnd)
      return
    }
    this.#end(false)
    const isSilent = failure.code === "timed_out" && this.#trace.isReused && this.isSilent
    this.#settle.reject(isSilent ? silent(failure) : failure)
  }

  #answered(bodyEnd: BodyEnd): void {
    if (this.#isSettled) return
    this.#end(bodyEnd === "complete" && this.#reader.mayReuse)
    const { status, headers, body } = this.#reader
    this.#settle.resolve({ status, headers, body, bodyEnd })
  }

  #end(mayReuse: boolean): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#stop.listener = undefined
    if (this.#isWaitingForBody && this.#asked.bodyMs !== undefined) deadlineOf(this.#asked.bodyMs).settle(this)
    if (this.#firstAt !== undefined) this.#trace.bodyMs = performance.now() - this.#firstAt
    this.onEnded(this.#connection.release(mayReuse) ? this.#connection : undefined)
  }

  /** Called once, before the answer is known, with the connection if it may be used again. */
  onEnded: (reusable: HttpConnection | undefined) => void = () => {}
}

const silent = ({ message }: RequestFailed) =>
  new RequestFailed("timed_out", `${message} The connection had been used before; its other end may be gone.`)
