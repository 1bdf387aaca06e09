// A proxy between the program and PostgreSQL that counts executed statements, by their text, transactions and round
// trips. A round trip is a burst of the program's messages on one connection after the server's last answer.

import { connect, createServer } from "node:net"

export interface CountingProxy {
  /** The address of the same database through the proxy. */
  readonly url: string
  /** The counts since the last call. */
  readonly take: () => Counts
  readonly stop: () => void
}

export interface Counts {
  readonly roundTrips: number
  /** Ended transactions, rolled back ones included. A statement outside `begin` is one. */
  readonly transactions: number
  /** Executions by the text of the statement, with its white space collapsed. */
  readonly statements: ReadonlyMap<string, number>
}

export async function startCountingProxy(url: string): Promise<CountingProxy> {
  const target = new URL(url)
  const { hostname, port } = target
  let roundTrips = 0
  let transactions = 0
  let statements = new Map<string, number>()
  const executed = (text: string) => statements.set(text, (statements.get(text) ?? 0) + 1)

  const server = createServer({ noDelay: true }, (program) => {
    const database = connect({ host: hostname, port: Number(port), noDelay: true })
    const read = reader(executed)
    const readAnswers = answersReader(() => {
      transactions += 1
    })
    let serverSpoke = true
    program.on("data", (bytes) => {
      if (serverSpoke) roundTrips += 1
      serverSpoke = false
      read(Buffer.from(bytes))
    })
    database.on("data", (bytes) => {
      serverSpoke = true
      readAnswers(Buffer.from(bytes))
    })
    for (const [from, to] of [[program, database] as const, [database, program] as const]) {
      from.pipe(to)
      from.on("error", () => to.destroy())
      from.on("close", () => to.destroy())
    }
  })
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening))

  target.port = String((server.address() as { port: number }).port)
  return {
    url: target.href,
    take: () => {
      const counts = { roundTrips, transactions, statements }
      roundTrips = 0
      transactions = 0
      statements = new Map()
      return counts
    },
    stop: () => void server.close(),
  }
}

/** Reads the frontend's messages: one byte of type (none in the first message), four bytes of length, the rest. */
function reader(executed: (text: string) => void): (bytes: Buffer) => void {
  const prepared = new Map<string, string>()
  let rest: Buffer = Buffer.alloc(0)
  let started = false
  let bound = ""
  return (bytes) => {
    rest = Buffer.concat([rest, bytes])
    for (;;) {
      const at = started ? 1 : 0
      if (rest.length < at + 4) return
      const end = at + rest.readInt32BE(at)
      if (rest.length < end) return
      const type = started ? String.fromCharCode(rest[0] ?? 0) : ""
      const texts = rest.toString("utf8", at + 4, end).split("\0")
      if (type === "P") prepared.set(texts[0] ?? "", folded(texts[1] ?? ""))
      else if (type === "B") bound = prepared.get(texts[1] ?? "") ?? "?"
      else if (type === "E") executed(bound)
      else if (type === "Q") executed(folded(texts[0] ?? ""))
      rest = rest.subarray(end)
      started = true
    }
  }
}

/**
 * Reads the backend's messages: one byte of type, four bytes of length, the rest. After each statement or commit comes
 * ReadyForQuery; its status "I" says that no transaction is open. The first one ends the sign-in.
 */
function answersReader(ended: () => void): (bytes: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  let signedIn = false
  return (bytes) => {
    rest = Buffer.concat([rest, bytes])
    while (rest.length >= 5) {
      const end = 1 + rest.readInt32BE(1)
      if (rest.length < end) return
      const [type, status] = [rest[0], rest[5]].map((byte) => String.fromCharCode(byte ?? 0))
      if (type === "Z" && status === "I" && signedIn) ended()
      signedIn ||= type === "Z"
      rest = rest.subarray(end)
    }
  }
}

const folded = (text: string) => text.replace(/\s+/g, " ").trim()
