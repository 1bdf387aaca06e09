// A load balancer on TCP, without sticky sessions: each connection goes to any backend that accepts it. It can cut a
// share of its connections, as networks do.

import { connect, createServer, type Socket } from "node:net"

export interface Balancer {
  readonly url: string
  /** Cuts each open connection with this probability. Answers how many were cut. */
  readonly cut: (share: number, random: () => number) => number
  readonly stop: () => void
}

/** @param ports those of the backends, in any order */
export async function startBalancer(ports: readonly number[], random: () => number): Promise<Balancer> {
  const pairs = new Set<{ readonly client: Socket; readonly backend: Socket }>()

  const server = createServer((client) => {
    client.on("error", () => {})
    const order = ports.map((port) => ({ port, key: random() })).toSorted((a, b) => a.key - b.key)
    const tryNext = () => {
      const next = order.shift()
      if (next === undefined || client.destroyed) return void client.destroy()
      const backend = connect({ host: "127.0.0.1", port: next.port })
      backend.once("error", tryNext)
      backend.once("connect", () => {
        backend.removeListener("error", tryNext)
        join(client, backend)
      })
    }
    tryNext()
  })

  function join(client: Socket, backend: Socket): void {
    const pair = { client, backend }
    pairs.add(pair)
    for (const socket of [client, backend]) {
      socket.on("error", () => {})
      socket.on("close", () => {
        pairs.delete(pair)
        client.destroy()
        backend.destroy()
      })
    }
    client.pipe(backend)
    backend.pipe(client)
  }

  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening))
  const { port } = server.address() as { port: number }
  return {
    url: `http://127.0.0.1:${port}`,
    cut(share, random) {
      const chosen = [...pairs].filter(() => random() < share)
      for (const { client } of chosen) client.destroy()
      return chosen.length
    },
    stop() {
      for (const { client } of pairs) client.destroy()
      server.close()
    },
  }
}
