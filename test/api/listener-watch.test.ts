// The watcher of the HTTP listener: a closed listener is opened again on its port, or the process is told to end.

import { afterEach, expect, jest, test } from "bun:test"
import { Elysia } from "elysia"
import { type Listening, listen } from "#api/listen.ts"
import { listenerPart, watchListener } from "#api/listener-watch.ts"
import { parts } from "#base/parts.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

const withinMs = 10_000
let listening: Listening | undefined
afterEach(async () => {
  jest.useRealTimers()
  await listening?.stop()
  listening = undefined
  parts.forget(listenerPart)
})

async function start(): Promise<{ server: Elysia; address: string; lost: Error[] }> {
  const server = new Elysia().get("/", () => "served")
  const lost: Error[] = []
  listening = await listen(server, { host: "127.0.0.1", port: 0 })
  listening.watch((reason) => lost.push(reason))
  return { server: server as never, address: listening.address, lost }
}

test("a listener that was closed is opened again at the same address", async () => {
  const { server, address, lost } = await start()
  for (const times of [1, 2]) {
    await server.server?.stop(true)
    await eventually(async () => expect(await fetch(address).then((answer) => answer.text())).toBe("served"), {
      withinMs,
    })
    expect(parts.get(listenerPart)).toEqual({ part: listenerPart, state: "well", restarts: times })
  }
  expect(lost).toEqual([])
}, 20_000)

test("a listener whose port was taken meanwhile is given up after five attempts", async () => {
  jest.useFakeTimers()
  let attempts = 0
  const lost: Error[] = []
  const stop = watchListener({
    host: "127.0.0.1",
    port: 4_000,
    isOpen: () => false,
    reopen: () => {
      attempts++
      throw new Error("the port is in use")
    },
    onLost: (reason) => lost.push(reason),
  })
  for (let second = 0; second < 10; second++) {
    jest.advanceTimersByTime(1_000)
    for (let turns = 0; turns < 5; turns++) await undefined
  }
  expect(attempts).toBe(5)
  expect(lost.map(({ message }) => message)).toEqual([
    "The HTTP listener on port 4000 was closed and cannot be opened again.",
  ])
  expect(parts.get(listenerPart)).toMatchObject({ state: "ill" })
  stop()
})

test("a listener that was stopped on purpose stays closed", async () => {
  const { address } = await start()
  jest.useFakeTimers()
  await listening?.stop()
  jest.advanceTimersByTime(10_000)
  jest.useRealTimers()
  expect(parts.get(listenerPart)?.restarts).toBe(0)
  expect(await fetch(address).catch((error: { code: string }) => error.code)).toMatch(/refused$/i)
})
