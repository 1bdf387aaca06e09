/**
 * The log of the program: one line of JSON on stderr for each event of note. Its fields are at, level, message and
 * details. A message is a fixed text, so lines of one message are one kind, and each kind has a share of the log.
 * Beyond its share lines are counted, and one line tells how many there were: no caller fills the log by repetition. No
 * text that a caller sends can forge a line or reach a terminal's controls, because what is not printable is escaped.
 */
import { clock } from "./clock.ts"
import { pipeWriter } from "./log-pipe.ts"

export const logLevels = ["debug", "info", "warn", "error"] as const
export type LogLevel = (typeof logLevels)[number]
export type LogFields = Readonly<Record<string, unknown>>

/** Lines of one kind in a window. An operator reads the first few; a repeated fault gives no more insight. */
export const linesOfAKind = 30
/** The length of a window, milliseconds. */
export const windowMs = 60_000
/** Kinds that are told apart. The messages are fixed texts of the program, of which there are fewer. */
const kindsAtMost = 200
/** The kind of all lines beyond them. */
const ofManyKinds = "lines of many kinds"
/** A longer text is cut, characters: a message of PostgreSQL with its detail fits. */
const longestText = 1_000
/** A longer line is cut to its message, characters: collectors of logs often cut at 16 KiB. */
const longestLine = 8_000

interface Share {
  readonly level: LogLevel
  readonly message: string
  lines: number
  more: number
}

export interface LogOptions {
  /** Writes one line. */
  readonly write: (line: string) => void
  /** Calls back after so many milliseconds, without keeping the process alive. */
  readonly later?: (callback: () => void, ms: number) => void
}

export class Log {
  #write: LogOptions["write"]
  readonly #later: NonNullable<LogOptions["later"]>
  readonly #shares = new Map<string, Share>()
  #level: LogLevel = "info"

  constructor({ write, later = (callback, ms) => setTimeout(callback, ms).unref() }: LogOptions) {
    this.#write = write
    this.#later = later
  }

  /** Writes the lines elsewhere. */
  writeTo(write: LogOptions["write"]): void {
    this.#write = write
  }

  /** Lines below this level are not written; default: info. */
  setLevel(level: LogLevel): void {
    this.#level = level
  }

  debug(message: string, fields?: LogFields): void {
    this.#line("debug", message, fields)
  }

  info(message: string, fields?: LogFields): void {
    this.#line("info", message, fields)
  }

  warn(message: string, fields?: LogFields): void {
    this.#line("warn", message, fields)
  }

  error(message: string, fields?: LogFields): void {
    this.#line("error", message, fields)
  }

  /** @param message a fixed text; what differs from line to line belongs to the fields. */
  #line(level: LogLevel, message: string, fields: LogFields = {}): void {
    if (logLevels.indexOf(level) < logLevels.indexOf(this.#level)) return
    const share = this.#shareOf(level, message)
    if (share.lines >= linesOfAKind) {
      share.more += 1
      return
    }
    share.lines += 1
    this.#write(lineOf(level, message, fields))
  }

  /** The share of a kind. A new one ends with its window, and then tells how many lines were left out. */
  #shareOf(level: LogLevel, message: string): Share {
    const kind = `${level} ${message}`
    const known = this.#shares.get(kind)
    if (known) return known
    if (this.#shares.size >= kindsAtMost && message !== ofManyKinds) return this.#shareOf(level, ofManyKinds)
    const share: Share = { level, message, lines: 0, more: 0 }
    this.#shares.set(kind, share)
    this.#later(() => {
      this.#shares.delete(kind)
      if (share.more > 0) this.#write(lineOf(level, message, { more: share.more, withinSeconds: windowMs / 1_000 }))
    }, windowMs)
    return share
  }
}

/** The log of this process. */
export const log = new Log({ write: (line) => console.error(line) })

/** From now on no line of the log waits for the reader of stderr. Only for a pipe; a file takes every line. */
export function neverWaitForReader(): void {
  const pipe = pipeWriter(2, (more) => lineOf("warn", "log lines left out", { more }))
  if (pipe) log.writeTo(pipe.write)
}

function lineOf(level: LogLevel, message: string, fields: LogFields): string {
  const head = { at: new Date(clock.now()).toISOString(), level, message: cut(message) }
  const line = textOf({ ...head, ...fields, ...head }) ?? textOf({ ...head, cut: "the details could not be written" })
  return line !== undefined && line.length <= longestLine
    ? line
    : `${textOf({ ...head, cut: `the details were longer than ${longestLine} characters` })}`
}

/** Undefined when the value refers to itself. */
function textOf(value: object): string | undefined {
  try {
    return JSON.stringify(value, (_, part) =>
      typeof part === "string" ? cut(part) : typeof part === "bigint" ? String(part) : part,
    ).replace(unprintable, escaped)
  } catch {
    return undefined
  }
}

const cut = (text: string): string => (text.length > longestText ? `${text.slice(0, longestText)}…` : text)

/**
 * JSON escapes the control characters below U+0020 only. These are the others, the line separators, and the invisible
 * characters that change how a line is shown.
 */
const unprintable = /[\u007f-\u009f\u2028\u2029]|\p{Cf}/gu
const escaped = (found: string) =>
  Array.from({ length: found.length }, (_, nth) => `\\u${found.charCodeAt(nth).toString(16).padStart(4, "0")}`).join("")
