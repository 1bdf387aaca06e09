// A server on the loopback that sends bytes, not HTTP: it can give every answer of a broken or hostile server.

import { createServer, type Socket } from "node:net"

const dripMs = 20

/** `answer` is called with the first bytes of each connection. */
export function startRawServer(
  answer: (socket: Socket, request: string) => void,
): Promise<{ readonly port: number; readonly stop: () => void }> {
  const { promise, resolve } = Promise.withResolvers<{ readonly port: number; readonly stop: () => void }>()
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on("error", () => {})
    socket.once("data", (data) => answer(socket, data.toString()))
  })
  const stop = () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  server.listen(0, "127.0.0.1", () => resolve({ port: (server.address() as { port: number }).port, stop }))
  return promise
}

/** Sends a byte now and then until the other side closes. */
export function drip(socket: Socket): void {
  const timer = setInterval(() => socket.write("x"), dripMs)
  socket.on("close", () => clearInterval(timer))
}
