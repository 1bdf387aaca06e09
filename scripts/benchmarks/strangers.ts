// Measures a rightful request alone and beside strangers at another address. There are three pairs: a sign-in beside
// 384 sign-ins, GET /v1/me beside large bodies over eight connections, the live channel beside 1,000 silent sockets.
// Everything runs on one machine, so the strangers' own work slows the rightful request too.

import { join } from "node:path"
import { median, percentile, round } from "#scripts/statistics.ts"
import { clientOf } from "#test/harness/api/client.ts"
import type { Figure } from "./figure.ts"
import { startLineProcess } from "./line-process.ts"
import { startBench } from "./measure.ts"
import type { Part } from "./part.ts"
import { startProgram } from "./running.ts"
import type { Crowd } from "./strangers/crowd.ts"

const crowds = { signIns: 384, connections: 8, bodyBytes: 1024 * 1024, sockets: 1_000 }
/** A stranger's answer that comes later than this counts as this late, milliseconds. */
const patienceMs = 60_000
const account = { email: "owner@example.com", password: "a long password 1" }

export const strangers: Part = {
  name: "strangers",
  description: "a rightful request, alone and beside strangers at another address; the ratio is that of the medians",
  run: async ({ short, progress }) => {
    const bench = await startBench()
    const ends: (() => unknown)[] = [bench.stop]
    try {
      // The limits of an installation, not the wide ones of the other parts.
      const system = await startProgram({
        url: bench.url,
        role: "server",
        env: { SLOTBASE_REQUESTS_PER_SECOND: "100" },
      })
      ends.push(() => system.end())
      const crowd = startLineProcess(join(import.meta.dir, "strangers/crowd.ts"))
      ends.push(crowd.end)
      const owner = await registered(system.address)
      const port = Number(new URL(system.address).port)
      let last = 1
      /** Each crowd comes from an address of its own. */
      const send = (what: Omit<Crowd, "port" | "from">) =>
        crowd.ask<{ answers: object }>({ ...what, port, from: `127.0.0.${++last}` })
      const stay = async () => (await crowd.ask<{ isThere: boolean }>({ ask: true })).isThere
      const leave = async () => progress(`the strangers got ${JSON.stringify(await crowd.ask({ leave: true }))}`)

      const compare = async (name: string, { beside, act, come, rounds, each }: Comparison) => {
        const [alone, crowded]: [Timed[], Timed[]] = [[], []]
        await timed(act)
        for (let n = 0; n < rounds; n++) {
          for (let m = 0; m < each; m++) alone.push(await timed(act))
          await send(come)
          for (let m = 0; m < each && (await stay()); m++) crowded.push(await timed(act))
          await leave()
        }
        const ratio = round(medianOf(crowded) / medianOf(alone))
        return [figureOf(`${name}, alone`, alone), { ...figureOf(`${name}, beside ${beside}`, crowded), ratio }]
      }
      const { signIns, connections, bodyBytes, sockets } = crowds
      return [
        ...(await compare("sign-in", {
          ...{ beside: `${signIns} sign-ins at once`, come: { signIns }, rounds: short ? 3 : 9, each: 5 },
          act: () => signIn(system.address),
        })),
        ...(await compare("GET /v1/me", {
          ...{
            beside: `${connections} senders of 1 MiB`,
            come: { connections, bodyBytes },
            rounds: short ? 2 : 5,
            each: 10,
          },
          act: () => me(system.address, owner),
        })),
        ...(await compare("live connect", {
          ...{ beside: `${sockets} silent sockets`, come: { sockets }, rounds: short ? 2 : 5, each: 20 },
          act: () => live(system.address, owner),
        })),
      ]
    } finally {
      for (const end of ends.reverse()) await end()
    }
  },
}

interface Comparison {
  readonly beside: string
  readonly come: Omit<Crowd, "port" | "from">
  readonly act: Act
  readonly rounds: number
  /** How often the act is measured in a round, at most as long as the strangers are there. */
  readonly each: number
}

/** True: it was done. */
type Act = () => Promise<boolean>
interface Timed {
  readonly ms: number
  readonly done: boolean
}

async function timed(act: Act): Promise<Timed> {
  const began = performance.now()
  const late = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => late.resolve(false), patienceMs)
  const done = await Promise.race([act(), late.promise])
  clearTimeout(timer)
  return { ms: performance.now() - began, done }
}

const medianOf = (all: readonly Timed[]) => median(all.map(({ ms }) => ms))

function figureOf(name: string, all: readonly Timed[]): Figure {
  const ascending = all.map(({ ms }) => ms).sort((a, b) => a - b)
  return {
    name,
    p50Ms: percentile(ascending, 0.5),
    p99Ms: percentile(ascending, 0.99),
    refused: all.filter(({ done }) => !done).length,
  }
}

async function registered(address: string): Promise<string> {
  const client = clientOf(address)
  const user = await client.post("/v1/users", { ...account, firstName: "Anna", lastName: "Keller" })
  const session = await client.post<{ token: string }>("/v1/sessions", account)
  for (const { status, body } of [user, session]) if (status !== 201) throw new Error(JSON.stringify(body))
  return session.body.token
}

const signIn = async (address: string) => {
  const headers = { "content-type": "application/json" }
  const answer = await fetch(`${address}/v1/sessions`, { method: "POST", headers, body: JSON.stringify(account) })
  await answer.arrayBuffer()
  return answer.status === 201
}

const me = async (address: string, token: string) => {
  const answer = await fetch(`${address}/v1/me`, { headers: { authorization: `Bearer ${token}` } })
  await answer.arrayBuffer()
  return answer.status === 200
}

/** Resolves when the socket is ready, or was refused. */
const live = (address: string, token: string) =>
  new Promise<boolean>((resolve) => {
    const socket = new WebSocket(`${address.replace("http", "ws")}/v1/live`, ["slotbase.v1", `bearer.${token}`])
    socket.onmessage = () => {
      resolve(true)
      socket.close()
    }
    socket.onclose = () => resolve(false)
    socket.onerror = () => resolve(false)
  })
