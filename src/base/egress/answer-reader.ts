/**
 * Reads one HTTP/1.1 answer from the bytes of a connection (RFC 9112). It is lenient where the meaning is clear, such
 * as a line that ends without a carriage return. Everything is bounded: the head, the interim answers, the lines of a
 * chunked body, and the kept body. It touches no socket.
 */
import { badAnswer } from "./failures.ts"

const maxHeadLength = 32 * 1024
const maxHeadLines = 200
/** Interim answers (1xx) before the answer. */
const maxInterim = 16
/** A line with the size of a chunk, and all trailers together. */
const maxLineLength = 4 * 1024

type State = "head" | "length" | "close" | "size" | "data" | "data-end" | "trailers" | "complete"

export class AnswerReader {
  status = 0
  /** In the order of the answer, names in lower case. */
  headers: readonly (readonly [string, string])[] = []
  /** More of the body came than is kept. */
  isCut = false
  /** The connection may carry another request. */
  mayReuse = false
  readonly #bodyless: boolean
  readonly #limit: number
  #state: State = "head"
  #text = ""
  #interim = 0
  #trailers = 0
  /** Of the body or of the chunk. */
  #left = 0
  #parts: Uint8Array[] = []
  #size = 0

  /** @param limit bytes of the body that are kept */
  constructor(method: string, limit: number) {
    this.#bodyless = method === "HEAD"
    this.#limit = limit
  }

  get hasHead(): boolean {
    return this.#state !== "head"
  }

  get isComplete(): boolean {
    return this.#state === "complete"
  }

  /** The bytes of the body so far, up to the limit. */
  get body(): Uint8Array {
    const [only = new Uint8Array()] = this.#parts
    if (this.#parts.length <= 1 && only.length <= this.#limit) return only
    return Buffer.concat(this.#parts, Math.min(this.#size, this.#limit))
  }

  /** Throws RequestFailed (bad_answer) for bytes that are no answer. A head that came before the fault still counts. */
  read(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      if (this.isCut) return
      if (this.#state === "complete") {
        this.mayReuse = false // bytes that nobody asked for
        return
      }
      at = this.#step(chunk, at)
    }
  }

  /** The other side has ended the connection; answers whether that ended the body as it should. */
  end(): boolean {
    if (this.#state === "close") this.#state = "complete"
    return this.isComplete
  }

  #step(chunk: Buffer, at: number): number {
    switch (this.#state) {
      case "head":
        return this.#head(chunk, at)
      case "length":
      case "data":
        return this.#keep(chunk, at, Math.min(this.#left, chunk.length - at))
      case "close":
        return this.#keep(chunk, at, chunk.length - at)
      default:
        return this.#line(chunk, at)
    }
  }

  #keep(chunk: Buffer, at: number, count: number): number {
    if (this.#size <= this.#limit) this.#parts.push(chunk.subarray(at, at + count))
    this.#size += count
    if (this.#state !== "close") {
      this.#left -= count
      if (this.#left === 0) this.#state = this.#state === "length" ? "complete" : "data-end"
    }
    this.isCut = this.#size > this.#limit || (this.#size === this.#limit && this.#state === "length")
    return at + count
  }

  #head(chunk: Buffer, at: number): number {
    const text = chunk.toString("latin1", at)
    const before = this.#text.slice(-3)
    const end = /\n\r?\n/.exec(before + text)
    const taken = end ? end.index + end[0].length - before.length : text.length
    this.#text += end ? text.slice(0, taken) : text
    if (!this.#text.startsWith("HTTP/1.".slice(0, this.#text.length))) throw badAnswer("no HTTP/1 answer")
    if (this.#text.length > maxHeadLength) throw badAnswer(`a head of more than ${maxHeadLength} bytes`)
    if (end) {
      const head = this.#text
      this.#text = ""
      this.#understand(head)
    }
    return at + taken
  }

  #understand(head: string): void {
    const lines = (/\n[ \t]/.test(head) ? head.replace(/\r?\n[ \t]+/g, " ") : head).split("\n")
    const [, minor, status] = statusLine.exec(lines[0] ?? "") ?? []
    if (status === undefined) throw badAnswer("a bad status line")
    if (lines.length > maxHeadLines) throw badAnswer(`more than ${maxHeadLines} headers`)
    const headers: (readonly [string, string])[] = []
    const isClean = !controlsOfHead.test(head)
    for (let n = 1; n < lines.length - 2; n++) headers.push(fieldOf(lines[n] ?? "", isClean))
    const code = Number(status)
    if (code === 101) throw badAnswer("a switch of protocols that was not asked for")
    if (code < 200) {
      if (++this.#interim > maxInterim) throw badAnswer("interim answers without end")
      return
    }
    this.status = code
    this.headers = headers
    this.mayReuse = minor === "1" && !valuesOf(headers, "connection").includes("close")
    this.#frame(code)
  }

  /** Where the body ends (RFC 9112, 6.3). */
  #frame(status: number): void {
    const codings = valuesOf(this.headers, "transfer-encoding")
    const [length = "", ...lengths] = valuesOf(this.headers, "content-length")
    if (this.#bodyless || status === 204 || status === 304) this.#state = "complete"
    else if (codings.length > 0) {
      this.#state = codings.at(-1) === "chunked" ? "size" : "close"
      if (length !== "" || codings.length > 1) this.mayReuse = false
    } else if (length === "") {
      this.#state = "close"
      this.mayReuse = false
    } else {
      this.#state = "length"
      if (lengths.some((other) => other !== length) || !/^\d{1,15}$/.test(length))
        throw badAnswer("a bad Content-Length")
      this.#left = Number(length)
      if (this.#left === 0) this.#state = "complete"
    }
  }

  #line(chunk: Buffer, at: number): number {
    const end = chunk.indexOf(10, at)
    const stop = end === -1 ? chunk.length : end + 1
    this.#text += chunk.toString("latin1", at, stop)
    if (this.#text.length > maxLineLength) throw badAnswer("a line without end in a chunked body")
    if (end === -1) return stop
    const line = this.#text.replace(/\r?\n$/, "")
    this.#text = ""
    if (this.#state === "size") this.#sizeOfChunk(line)
    else if (this.#state === "data-end") {
      if (line !== "") throw badAnswer("a chunk longer than it says")
      this.#state = "size"
    } else {
      this.#trailers += line.length
      if (this.#trailers > maxLineLength) throw badAnswer("trailers without end")
      if (line === "") this.#state = "complete"
    }
    return stop
  }

  #sizeOfChunk(line: string): void {
    const [, size] = /^([0-9a-f]{1,12})[ \t]*(?:;.*)?$/i.exec(line) ?? []
    if (size === undefined) throw badAnswer("a bad size of a chunk")
    this.#left = Number.parseInt(size, 16)
    this.#state = this.#left === 0 ? "trailers" : "data"
  }
}

const statusLine = /^HTTP\/1\.([01]) +(\d{3})(?: .*)?\r?$/
const fieldName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

function fieldOf(line: string, isClean: boolean): readonly [string, string] {
  const colon = line.indexOf(":")
  const name = nameOf(line.slice(0, Math.max(colon, 0)))
  const value = line.slice(colon + 1).trim()
  return [name, isClean ? value : value.replace(controls, "\ufffd")]
}

/** In lower case. Answers have the same few names. */
function nameOf(text: string): string {
  const known = names.get(text)
  if (known !== undefined) return known
  const name = text.toLowerCase()
  if (!fieldName.test(name)) throw badAnswer("a bad header")
  if (names.size < maxNames && name.length < longestName) names.set(text, name)
  return name
}

const names = new Map<string, string>()
const maxNames = 500
const longestName = 64

// biome-ignore lint/suspicious/noControlCharactersInRegex: they must not reach a log, and PostgreSQL keeps no NUL
const controls = /[\x00-\x08\x0a-\x1f\x7f]/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: the same, apart from the ends of lines
const controlsOfHead = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)/

/** The parts of a header that is a list, in lower case. */
function valuesOf(headers: AnswerReader["headers"], name: string): readonly string[] {
  let all: readonly string[] = nothing
  for (const [each, value] of headers) {
    if (each !== name) continue
    const parts = value.split(",").map((part) => part.trim().toLowerCase())
    all = [...all, ...parts.filter((part) => part !== "")]
  }
  return all
}

const nothing: readonly string[] = []
