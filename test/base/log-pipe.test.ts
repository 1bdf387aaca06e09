// A log pipe that nobody reads delays nobody: lines that find no room are left out and counted.

import { afterEach, beforeEach, expect, test } from "bun:test"
import { closeSync, constants, openSync, readSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type LinePipe, pipeWriter } from "#base/log-pipe.ts"

let folder: string
let reader: number
let writer: number
let pipe: LinePipe

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "slotbase-test-pipe-"))
  const path = join(folder, "pipe")
  await Bun.spawn(["mkfifo", path]).exited
  reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  writer = openSync(path, constants.O_WRONLY)
  const made = pipeWriter(writer, (lines) => `left out: ${lines}`)
  if (made === undefined) throw new Error("the pipe could not be opened anew")
  pipe = made
})
afterEach(async () => {
  pipe.close()
  for (const fd of [reader, writer]) closeSync(fd)
  await rm(folder, { recursive: true })
})

/** What waits in the pipe. */
function drain(): string {
  let text = ""
  for (const buffer = Buffer.alloc(65_536); ; ) {
    try {
      const length = readSync(reader, buffer)
      if (length === 0) return text
      text += buffer.toString("utf8", 0, length)
    } catch {
      return text
    }
  }
}

test("lines arrive whole and in order while somebody reads", () => {
  pipe.write("one")
  pipe.write("two")
  expect(drain()).toBe("one\ntwo\n")
})

test("a full pipe takes no more lines, nobody waits, and the next line with room tells how many were lost", () => {
  const line = "x".repeat(7_000)
  const written = 100
  for (let nth = 0; nth < written; nth++) pipe.write(line)
  const before = drain()
  pipe.write("again")
  const after = drain()
  const whole = `${before}${after}`.split("\n").filter((each) => each === line).length
  expect(whole).toBeGreaterThan(0)
  expect(`${before}${after}`).toBe(`${`${line}\n`.repeat(whole)}left out: ${written - whole}\nagain\n`)
})

test("a file is no pipe", () => {
  const file = openSync(join(folder, "file"), "w")
  expect(pipeWriter(file, String)).toBeUndefined()
  closeSync(file)
})
