// The processes of a run: the receiver, and the contestants' workers.

import { resolve } from "node:path"
import { owned } from "#scripts/benchmarks/running.ts"
import type { Entry, Hook, Worker } from "./contestant.ts"

const readyWithinMs = 30_000

export interface Started {
  readonly pid: number
  /** The first line of its standard output. */
  readonly line: string
  /** Its standard error so far. */
  readonly complaints: () => string
  readonly stop: () => Promise<void>
}

/** Starts a file, of this folder unless its path is absolute, and waits for its first line. */
export async function start({ file, args, env }: Worker): Promise<Started> {
  const child = owned(
    Bun.spawn([process.execPath, resolve(import.meta.dir, file), ...args], {
      env: { ...process.env, ...env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    }),
  )
  let complaints = ""
  void (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of child.stderr) complaints += decoder.decode(chunk, { stream: true })
  })()
  const late = setTimeout(() => child.kill("SIGKILL"), readyWithinMs)
  const line = await firstLine(child.stdout)
  clearTimeout(late)
  if (line === undefined) throw new Error(`${file} ended before it was ready:\n${complaints}`)
  return {
    pid: child.pid,
    line,
    complaints: () => complaints,
    stop: async () => {
      child.kill("SIGTERM")
      const hard = setTimeout(() => child.kill("SIGKILL"), readyWithinMs)
      await child.exited
      clearTimeout(hard)
    },
  }
}

export interface Receiver extends Hook {
  readonly count: () => Promise<number>
  /** When each event arrived first, milliseconds since 1970. */
  readonly received: () => Promise<ReadonlyMap<string, number>>
  /** When each event arrived last: with several webhooks it arrives several times. */
  readonly last: () => Promise<ReadonlyMap<string, number>>
  readonly stop: () => Promise<void>
}

export async function startReceiver(): Promise<Receiver> {
  const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`
  const { line: address, stop } = await start({ file: "receiver.ts", args: [secret] })
  const ask = async <T>(path: string) => (await (await fetch(`${address}${path}`)).json()) as T
  return {
    url: `${address}/hook`,
    secret,
    count: async () => {
      const { count, refused } = await ask<{ count: number; refused: number }>("/count")
      if (refused > 0) throw new Error(`the receiver refused ${refused} requests with a wrong signature`)
      return count
    },
    received: async () => new Map(await ask<[string, number][]>("/received")),
    last: async () => new Map(await ask<[string, number][]>("/last")),
    stop,
  }
}

/** Starts all workers of a contestant. When one cannot start, it ends the others and rejects. */
export async function startWorkers({ workers }: Entry): Promise<readonly Started[]> {
  const outcomes = await Promise.allSettled(workers.map(start))
  const started = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []))
  const failed = outcomes.find((outcome) => outcome.status === "rejected")
  if (!failed) return started
  await stopAll(started)
  throw failed.reason
}

export const stopAll = (started: readonly Started[]) => Promise.all(started.map((each) => each.stop()))

/** Undefined when the stream ends without a line. Later output is read and dropped, so that its writer never waits. */
async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  void (async () => {
    const decoder = new TextDecoder()
    let text = ""
    for await (const chunk of stream) {
      if (text.includes("\n")) continue
      text += decoder.decode(chunk, { stream: true })
      if (text.includes("\n")) resolve(text.split("\n")[0])
    }
    resolve(undefined)
  })()
  return promise
}
