// Connections to an SMTP server: their number, those that are lost, and what waits for one.

import { expect, test } from "bun:test"
import type { Socket } from "bun"
import { NothingSent, SmtpConnections } from "#outbound/messages/channels/email/smtp-connections.ts"

const { signal } = new AbortController()
const limits = { maxConnections: 3, connectionTimeout: 5_000, socketTimeout: 5_000 }
const mail = (raw: string) => ({ envelope: { from: "club@example.com", to: ["mia@example.com"] }, raw })

/** A server that notes the first line of each mail, and how many connections were open at most. */
function plainServer(say: (line: string, socket: Socket<Session>) => string | undefined = () => undefined) {
  const noted = { mails: [] as string[], open: 0, most: 0, opened: 0 }
  const server = Bun.listen<Session>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        socket.data = { content: undefined }
        noted.most = Math.max(noted.most, ++noted.open)
        noted.opened++
        socket.write("220 hello\r\n")
      },
      close: () => void noted.open--,
      data(socket, bytes) {
        const said = bytes.toString()
        if (socket.data.content !== undefined) {
          socket.data.content += said
          if (!socket.data.content.endsWith("\r\n.\r\n")) return
          noted.mails.push(socket.data.content.split("\r\n")[0] ?? "")
          socket.data.content = undefined
          socket.write(say("content", socket) ?? "250 ok\r\n")
          return
        }
        if (said.startsWith("DATA")) socket.data.content = ""
        socket.write(say(said, socket) ?? (said.startsWith("DATA") ? "354 go on\r\n" : "250 ok\r\n"))
      },
    },
  })
  return { noted, url: `smtp://127.0.0.1:${server.port}`, stop: () => server.stop(true) }
}

interface Session {
  content: string | undefined
}

test("forty mails at once go over three connections, each once", async () => {
  const server = plainServer()
  const connections = new SmtpConnections(server.url, limits)
  const all = Array.from({ length: 40 }, (_, number) => `mail ${number}`)
  await Promise.all(all.map((raw) => connections.send(mail(raw), signal)))
  expect(server.noted.mails.toSorted()).toEqual(all.toSorted())
  expect(server.noted).toMatchObject({ most: 3, opened: 3 })
  connections.close()
  server.stop()
})

test("a mail that meets a connection which the server has just ended goes over another one, once", async () => {
  let ending = false
  const server = plainServer((line, socket) => {
    if (!ending || !line.startsWith("MAIL")) return undefined
    ending = false
    socket.terminate()
    return ""
  })
  const connections = new SmtpConnections(server.url, limits)
  await connections.send(mail("first"), signal)
  ending = true
  await connections.send(mail("second"), signal)
  expect(server.noted).toMatchObject({ mails: ["first", "second"], opened: 2 })
  connections.close()
  server.stop()
})

test("a new connection that is lost before the content has sent nothing, and the next mail gets its place", async () => {
  let losses = 3
  const server = plainServer((line, socket) => {
    if (!line.startsWith("MAIL") || losses-- <= 0) return undefined
    socket.terminate()
    return ""
  })
  const connections = new SmtpConnections(server.url, limits)
  const ends = await Promise.allSettled(["a", "b", "c", "d"].map((raw) => connections.send(mail(raw), signal)))
  expect(ends.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected", "fulfilled"])
  expect((ends[0] as PromiseRejectedResult).reason).toBeInstanceOf(NothingSent)
  expect(server.noted.mails).toEqual(["d"])
  connections.close()
  server.stop()
})

test("a mail that waits for a place ends with its signal, and takes no place away", async () => {
  const held = Promise.withResolvers<void>()
  const server = plainServer((line, socket) => {
    if (line !== "content") return undefined
    void held.promise.then(() => socket.write("250 ok\r\n"))
    return ""
  })
  const connections = new SmtpConnections(server.url, { ...limits, maxConnections: 1 })
  const stop = new AbortController()
  const first = connections.send(mail("first"), signal)
  const waiting = connections.send(mail("waiting"), stop.signal)
  const third = connections.send(mail("third"), signal)
  stop.abort(new Error("the process stops"))
  expect(waiting).rejects.toThrow("the process stops")
  await waiting.catch(() => {})
  held.resolve()
  await Promise.all([first, third])
  expect(server.noted.mails).toEqual(["first", "third"])
  connections.close()
  server.stop()
})

test("the server's words of a refused mail are the error, and its connection takes the next mail", async () => {
  let refusing = true
  const server = plainServer((line) => {
    if (!refusing || !line.startsWith("RCPT")) return undefined
    refusing = false
    return "550 5.1.1 no such user\r\n"
  })
  const connections = new SmtpConnections(server.url, { ...limits, maxConnections: 1 })
  const refused: unknown = await connections.send(mail("refused"), signal).catch((error: unknown) => error)
  expect(refused).toMatchObject({ responseCode: 550, command: "RCPT TO" })
  await connections.send(mail("taken"), signal)
  expect(server.noted).toMatchObject({ mails: ["taken"], opened: 1 })
  connections.close()
  server.stop()
})
