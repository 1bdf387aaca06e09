// An SMTP server that costs little: it takes every mail, keeps when each recipient's first one arrived, and answers over
// HTTP how many there are. A server of the usual library would cost more than what is measured.

export interface Connection {
  inData: boolean
  rest: string
  recipient: string
}

let mails = 0
const firstAt = new Map<string, number>()

const server = Bun.listen<Connection>({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    open(socket) {
      socket.data = { inData: false, rest: "", recipient: "" }
      socket.write("220 sink ESMTP\r\n")
    },
    data(socket, chunk) {
      const answers = take(socket.data, chunk.toString("latin1"))
      if (answers !== "") socket.write(answers)
    },
  },
})

function take(connection: Connection, chunk: string): string {
  let text = connection.rest + chunk
  let answers = ""
  for (;;) {
    const end = text.indexOf(connection.inData ? "\r\n.\r\n" : "\r\n")
    if (end < 0) break
    const line = text.slice(0, connection.inData ? 0 : end)
    text = text.slice(end + (connection.inData ? 5 : 2))
    answers += connection.inData ? taken(connection) : answerTo(connection, line)
  }
  // In a mail only its end is looked for, which may come in two pieces.
  connection.rest = connection.inData ? text.slice(-4) : text
  return answers
}

function taken(connection: Connection): string {
  connection.inData = false
  mails++
  if (!firstAt.has(connection.recipient)) firstAt.set(connection.recipient, performance.timeOrigin + performance.now())
  return "250 2.0.0 taken\r\n"
}

function answerTo(connection: Connection, line: string): string {
  switch (line.slice(0, 4).toUpperCase()) {
    case "EHLO":
      return "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"
    case "RCPT":
      connection.recipient = /<([^>]*)>/.exec(line)?.[1] ?? ""
      return "250 2.1.5 ok\r\n"
    case "DATA":
      connection.inData = true
      return "354 go on\r\n"
    case "QUIT":
      return "221 bye\r\n"
    default:
      return "250 2.1.0 ok\r\n"
  }
}

const http = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request) => {
    const address = new URL(request.url).searchParams.get("to")
    return Response.json({ mails, firstAt: address === null ? null : (firstAt.get(address) ?? null) })
  },
})
console.log(JSON.stringify({ smtp: `smtp://127.0.0.1:${server.port}`, http: `http://127.0.0.1:${http.port}` }))
