// The HTTP clients that the guard could stand on. Each sends one POST and reads the answer.

import { Agent, request } from "node:http"
import { join } from "node:path"
import { guardedFetch } from "#base/egress/fetch.ts"

export interface Client {
  readonly name: string
  readonly post: (url: string, headers: Readonly<Record<string, string>>, body: string) => Promise<unknown>
}

const allow = ["127.0.0.0/8"]
const connections = 64
const agent = new Agent({ keepAlive: true, maxSockets: connections })

interface Dispatcher {
  request(options: object): Promise<{ readonly body: { text(): Promise<string> } }>
}
// By its path: in Bun, `import "undici"` gives a stand-in of Bun's own, also when the package is installed.
const undici: { Pool: new (origin: string, options: object) => Dispatcher } = await import(
  join(import.meta.dir, "../../../node_modules/undici/index.js")
)
const pools = new Map<string, Dispatcher>()

export const clients: readonly Client[] = [
  {
    name: "slotbase, the guard",
    post: (url, headers, body) => guardedFetch(url, { method: "POST", headers, body, allow, bodyMs: 2_000 }),
  },
  { name: "bare Bun fetch", post: (url, headers, body) => fetched(url, headers, body, true) },
  { name: "Bun fetch, keepalive: false", post: (url, headers, body) => fetched(url, headers, body, false) },
  { name: "node:http with an agent", post: byNode },
  { name: "undici", post: byUndici },
]

async function fetched(url: string, headers: Readonly<Record<string, string>>, body: string, keepalive: boolean) {
  const response = await fetch(url, { method: "POST", headers, body, keepalive, redirect: "manual" })
  return response.text()
}

function byNode(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const length = { "Content-Length": String(Buffer.byteLength(body)) }
  const sent = request(url, { method: "POST", agent, headers: { ...headers, ...length } }, (answer) => {
    let text = ""
    answer.on("data", (bytes: Buffer) => {
      text += bytes.toString()
    })
    answer.on("end", () => resolve(text))
    answer.on("error", reject)
  })
  sent.on("error", reject)
  sent.end(body)
  return promise
}

async function byUndici(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<string> {
  const { origin, pathname } = new URL(url)
  const pool = pools.get(origin) ?? new undici.Pool(origin, { connections })
  pools.set(origin, pool)
  const answer = await pool.request({ path: pathname, method: "POST", headers, body })
  return answer.body.text()
}
