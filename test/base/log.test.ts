// The log: lines of JSON with a level, bounded for each kind, which no text can forge.

import { beforeEach, expect, test } from "bun:test"
import { Log, linesOfAKind, windowMs } from "#base/log.ts"

let lines: string[]
/** What the log has put off, with its delay in milliseconds. */
let later: { callback: () => void; ms: number }[]
let log: Log

beforeEach(() => {
  lines = []
  later = []
  log = new Log({ write: (line) => lines.push(line), later: (callback, ms) => later.push({ callback, ms }) })
})

const parsed = () => lines.map((line): Record<string, unknown> => JSON.parse(line))

test("a line has its instant, its level, its message and its details, in this order", () => {
  log.warn("database connections replaced", { reason: "no answer" })
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatch(
    /^\{"at":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","level":"warn","message":"database connections replaced","reason":"no answer"\}$/,
  )
})

test.each([
  ["debug", ["debug", "info", "warn", "error"]],
  ["info", ["info", "warn", "error"]],
  ["warn", ["warn", "error"]],
  ["error", ["error"]],
] as const)("with the level %s the lines below it are not written", (level, written) => {
  log.setLevel(level)
  for (const each of ["debug", "info", "warn", "error"] as const) log[each]("told")
  expect(parsed().map((line) => line.level)).toEqual([...written])
})

test("without a setting the level is info", () => {
  log.debug("told")
  log.info("told")
  expect(parsed().map((line) => line.level)).toEqual(["info"])
})

test("details take the place of neither the instant, the level nor the message", () => {
  log.info("started", { at: "never", level: "error", message: "forged", port: 3000 })
  expect(parsed()[0]).toMatchObject({ level: "info", message: "started", port: 3000 })
  expect(parsed()[0]?.at).not.toBe("never")
})

test.each([
  ["a line break", "\n"],
  ["a carriage return", "\r"],
  ["the escape of a terminal", "\u001b"],
  ["the one-byte control of a terminal", "\u009b"],
  ["delete", "\u007f"],
  ["a line separator", "\u2028"],
  ["a paragraph separator", "\u2029"],
  ["an override of the direction", "\u202e"],
  ["a character without width", "\u200b"],
  ["a tag character", "\u{e0041}"],
  ["half a surrogate pair", "\ud800"],
])("%s is escaped in values and in names, and is read back as it was", (_, sign) => {
  log.error("request failed", { route: `a${sign}b`, [`name${sign}`]: [{ deep: sign }] })
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatch(/^[\x20-\x7e]*$/)
  expect(parsed()[0]).toMatchObject({ route: `a${sign}b`, [`name${sign}`]: [{ deep: sign }] })
})

test("letters, accents and emoji stay readable", () => {
  log.info("started", { club: "Zürich 網球 🎾" })
  expect(lines[0]).toContain("Zürich 網球 🎾")
})

test("a long text is cut, and a long line keeps only its message", () => {
  log.error("job failed", { error: "x".repeat(5_000) })
  expect(parsed()[0]?.error).toBe(`${"x".repeat(1_000)}…`)
  log.error("job failed", { errors: Array.from({ length: 20 }, () => "y".repeat(900)) })
  expect(parsed()[1]).toEqual({
    at: expect.any(String),
    level: "error",
    message: "job failed",
    cut: "the details were longer than 8000 characters",
  })
})

test("details that are no JSON are left out, and never throw", () => {
  const round: Record<string, unknown> = {}
  round.self = round
  log.error("job failed", { round })
  expect(parsed()[0]).toMatchObject({ message: "job failed", cut: "the details could not be written" })
  log.error("job failed", { count: 2n ** 60n, missing: undefined })
  expect(parsed()[1]).toMatchObject({ count: "1152921504606846976" })
})

test("beyond its share a kind is counted, and one line at the end of the window tells how many there were", () => {
  for (let nth = 0; nth < linesOfAKind + 312; nth++) log.error("request failed", { nth })
  log.error("job failed")
  log.warn("request failed")
  expect(parsed().filter((line) => line.message === "request failed")).toHaveLength(linesOfAKind + 1)
  expect(lines).toHaveLength(linesOfAKind + 2)
  expect(later.map(({ ms }) => ms)).toEqual([windowMs, windowMs, windowMs])
  for (const { callback } of later.splice(0)) callback()
  expect(lines).toHaveLength(linesOfAKind + 3)
  expect(parsed().at(-1)).toMatchObject({ level: "error", message: "request failed", more: 312, withinSeconds: 60 })
  log.error("request failed", { nth: "again" })
  expect(parsed().at(-1)).toMatchObject({ message: "request failed", nth: "again" })
})

test("the number of kinds is bounded: the rest of them shares one share", () => {
  for (let nth = 0; nth < 1_000; nth++) log.error(`kind ${nth}`)
  expect(lines.length).toBeLessThanOrEqual(200 + linesOfAKind)
  for (const { callback } of later.splice(0)) callback()
  const [rest] = parsed().filter((line) => line.message === "lines of many kinds")
  expect(rest).toMatchObject({ level: "error", more: 1_000 - 200 - linesOfAKind })
})
