// A network between browsers and a server that goes away and comes back. Either every connection is cut and no new one
// opens, or nothing arrives any more and nobody is told.

import { connect, createServer, type Socket } from "node:net"

export interface LostNetwork {
  readonly url: string
  readonly lose: (how: "cut" | "silent") => void
  readonly restore: () => void
  readonly stop: () => void
}

export async function startLostNetwork(port: number): Promise<LostNetwork> {
  const sockets = new Set<Socket>()
  let lost: "cut" | "silent" | undefined
  const server = createServer((client) => {
    client.on("error", () => {})
    if (lost === "cut") return void client.destroy()
    const backend = connect({ host: "127.0.0.1", port })
    const pair = [client, backend] as const
    for (const [socket, other] of [pair, [backend, client] as const]) {
      sockets.add(socket)
      socket.on("error", () => {})
      socket.on("data", (bytes) => other.write(bytes))
      socket.on("close", () => {
        sockets.delete(socket)
        other.destroy()
      })
      if (lost === "silent") socket.pause()
    }
  })
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening))
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    lose(how) {
      lost = how
      for (const socket of sockets) how === "cut" ? socket.destroy() : socket.pause()
    },
    restore() {
      lost = undefined
      for (const socket of sockets) socket.resume()
    },
    stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
