/**
 * A connection by Server-Sent Events: the same frames as on a WebSocket, one message each. Such a stream has one
 * Last-Event-ID for all its channels. So its frames wait until everything up to their position is published, and leave
 * in the order of the log. Only the last frame of a position carries an id: who has less resumes before it.
 */
import { placeText } from "#events/log-place.ts"
import type { Socket } from "./hub.ts"
import type { FrameText } from "./log-row.ts"

/** The streams of a process, by topic. */
export class Streams {
  readonly #topics = new Map<string, Set<StreamSocket>>()
  readonly #all = new Set<StreamSocket>()

  get open(): readonly StreamSocket[] {
    return [...this.#all]
  }

  has(topic: string): boolean {
    return this.#topics.has(topic)
  }

  publish(topic: string, frame: FrameText): void {
    for (const stream of this.#topics.get(topic) ?? []) stream.hold(frame)
  }

  /** Everything up to the position is published. */
  release(position: number, epoch: string): void {
    for (const stream of this.#all) stream.release(position, epoch)
  }

  tell(position: number, epoch: string): void {
    for (const stream of this.#all) stream.tell(position, epoch)
  }

  join(topic: string, stream: StreamSocket): void {
    this.#all.add(stream)
    const streams = this.#topics.get(topic) ?? new Set()
    this.#topics.set(topic, streams.add(stream))
  }

  leave(topic: string, stream: StreamSocket): void {
    const streams = this.#topics.get(topic)
    streams?.delete(stream)
    if (streams?.size === 0) this.#topics.delete(topic)
  }

  remove(stream: StreamSocket): void {
    this.#all.delete(stream)
  }
}

/** Where the text of a stream goes. */
export interface StreamSink {
  /** False: too much waits for the client already. */
  write(text: string): boolean
  /** How many bytes wait for the client. */
  waiting(): number
  /** Resolves when they have left. */
  drained(): Promise<void>
  end(): void
  /** Drops what waits. */
  cut(): void
}

export class StreamSocket implements Socket {
  readonly #streams: Streams
  readonly #topics = new Set<string>()
  #sink: StreamSink | undefined
  readonly #opened = Promise.withResolvers<void>()
  #held: FrameText[] = []
  /** Answers from before the stream was opened. */
  #answers: string[] = []
  #ended = false
  /** The code with which the server has closed it. */
  closedWith: { readonly code: number; readonly reason: string } | undefined

  constructor(streams: Streams) {
    this.#streams = streams
  }

  /** The answers so far. */
  get answers(): readonly { readonly type: string; readonly code?: string }[] {
    return this.#answers.map((text) => JSON.parse(text) as { type: string; code?: string })
  }

  /** Is called at every answer and at the end, until the stream is opened. */
  onAnswer: () => void = () => {}

  send(text: string): number {
    if (this.#sink) this.#write(message(text))
    else this.#answers.push(text)
    this.onAnswer()
    return text.length
  }

  /** A frame of a channel: waits for `release`. */
  hold(frame: FrameText): void {
    this.#held.push(frame)
  }

  subscribe(topic: string): void {
    this.#topics.add(topic)
    this.#streams.join(topic, this)
  }

  /** Before it is opened nothing can leave. */
  getBufferedAmount(): number {
    return this.#sink?.waiting() ?? Number.POSITIVE_INFINITY
  }

  drained(): Promise<void> {
    return this.#sink?.drained() ?? this.#opened.promise
  }

  unsubscribe(topic: string): void {
    this.#topics.delete(topic)
    this.#streams.leave(topic, this)
  }

  cork(write: () => void): void {
    write()
  }

  close(code: number, reason: string): void {
    if (this.#ended) return
    this.closedWith = { code, reason }
    this.#write(message(JSON.stringify({ type: "closed", code, reason })))
    this.#sink?.end()
    this.leave()
    this.onAnswer()
  }

  /** The stream has ended, by either side. */
  leave(): void {
    this.#ended = true
    this.#held = []
    for (const topic of this.#topics) this.#streams.leave(topic, this)
    this.#streams.remove(this)
  }

  /** All channels have answered: from here on everything is written. */
  open(sink: StreamSink, { position, epoch }: { readonly position: number; readonly epoch: string }): void {
    this.#sink = sink
    this.#write(`retry: ${retryMs()}\n\n`)
    for (const text of this.#answers.splice(0)) this.#write(message(text))
    this.#opened.resolve()
    // A replay tells itself how far it is.
    if (this.#topics.size === 0) return
    this.release(position, epoch)
    this.tell(position, epoch)
  }

  release(position: number, epoch: string): void {
    if (!this.#sink || this.#held.length === 0) return
    const ready = this.#held.filter((frame) => frame.position <= position).sort((a, b) => a.position - b.position)
    this.#held = this.#held.filter((frame) => frame.position > position)
    const texts = ready.map(({ position: at, text }, n) => {
      const isLast = ready[n + 1]?.position !== at
      return `${isLast ? `id: ${placeText(at, epoch)}\n` : ""}data: ${text}\n\n`
    })
    if (texts.length > 0) this.#write(texts.join(""))
  }

  /** A quiet channel has missed nothing up to here. */
  tell(position: number, epoch: string): void {
    const frame = JSON.stringify({ type: "position", position: String(position), epoch })
    this.#write(`id: ${placeText(position, epoch)}\n${message(frame)}`)
  }

  #write(text: string): void {
    if (this.#ended || !this.#sink || this.#sink.write(text)) return
    this.closedWith = tooSlow
    this.#sink.cut()
    this.leave()
  }
}

/** What is no event of a channel has its type as the name of the message, so that `onmessage` hears events alone. */
function message(text: string): string {
  const { type } = JSON.parse(text) as { type: string }
  return `event: ${type}\ndata: ${text}\n\n`
}

/** Streams that end together come back one after the other. */
const retryMs = () => Math.round(1_000 + Math.random() * 4_000)

const tooSlow = { code: 4008, reason: "too slow" }
