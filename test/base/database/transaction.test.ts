// A transaction: which writes commit together, what runs with the commit and after it, and which calls are refused.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test"
import net from "node:net"
import { connect, type Db } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { emptyDatabase, type TestDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db

beforeAll(async () => {
  database = await emptyDatabase()
  db = database.db
  await db`create table written (who text constraint written_once unique deferrable initially immediate)`
})

afterEach(async () => {
  await db`truncate written`
})

afterAll(() => database.drop())

test("the function's result is the transaction's, including arrays and undefined", async () => {
  expect(await db.begin(async (tx) => insert(tx, "one").then(() => [1, Promise.resolve(2)].length))).toBe(2)
  expect(await db.begin(async () => undefined)).toBeUndefined()
  expect(await written()).toEqual(["one"])
})

test("a throw rolls back and is passed on, and the callbacks for after the commit do not run", async () => {
  const heard: string[] = []
  const transaction = db.begin(async (tx) => {
    tx.beforeCommit((tx) => insert(tx, "with the commit"))
    tx.afterCommit(() => heard.push("after"))
    await insert(tx, "one")
    throw new Error("late failure")
  })
  expect(await failure(transaction)).toEqual(new Error("late failure"))
  expect([await written(), heard]).toEqual([[], []])
})

test("callbacks for before and after the commit run once, in order", async () => {
  const heard: string[] = []
  const answer = await db.begin(async (tx) => {
    tx.afterCommit(() => heard.push("after one"))
    tx.beforeCommit((tx) => {
      heard.push("before one")
      return insert(tx, "b")
    })
    tx.beforeCommit(async (tx) => {
      await insert(tx, "c")
      heard.push("before two")
      tx.beforeCommit((tx) => [insert(tx, "d"), insert(tx, "e")])
      tx.afterCommit(() => heard.push("after two"))
    })
    await insert(tx, "a")
    heard.push("function")
    return "answer"
  })
  expect(answer).toBe("answer")
  expect(heard).toEqual(["function", "before one", "before two", "after one", "after two"])
  expect(await written()).toEqual(["a", "b", "c", "d", "e"])
})

test("a query that fails with the commit fails the transaction: nothing is written, its error is passed on", async () => {
  for (const round of ["first", "prepared"]) {
    const heard: string[] = []
    const transaction = db.begin(async (tx) => {
      tx.beforeCommit((tx) => insert(tx, "one"))
      tx.afterCommit(() => heard.push(round))
      await insert(tx, "one")
      return "committed"
    })
    expect(await failure(transaction)).toMatchObject({ code: "23505", constraint_name: "written_once" })
    expect([await written(), heard]).toEqual([[], []])
  }
})

test("a promise that fails before the commit rolls back", async () => {
  const transaction = db.begin(async (tx) => {
    tx.beforeCommit(async (tx) => {
      await insert(tx, "two")
      throw new Error("not like this")
    })
    await insert(tx, "one")
  })
  expect(await failure(transaction)).toEqual(new Error("not like this"))
  expect(await written()).toEqual([])
})

test("a constraint that is checked by the commit fails the transaction", async () => {
  const heard: string[] = []
  const transaction = db.begin(async (tx) => {
    await tx`set constraints written_once deferred`
    tx.afterCommit(() => heard.push("after"))
    await insert(tx, "one")
    await insert(tx, "one")
  })
  expect(await failure(transaction)).toMatchObject({ code: "23505", constraint_name: "written_once" })
  expect([await written(), heard]).toEqual([[], []])
})

test("a failed statement whose error was swallowed is not reported as committed", async () => {
  const swallowed = db.begin(async (tx) => {
    await insert(tx, "one")
    await tx`select 1 / 0`.catch(() => {})
  })
  expect(await failure(swallowed)).toMatchObject({ code: "22012" })
  const notAwaited = db.begin(async (tx) => {
    await insert(tx, "one")
    void tx`select 1 / 0`.catch(() => {})
  })
  expect(await failure(notAwaited)).toMatchObject({ code: "22012" })
  expect(await written()).toEqual([])
})

test("a savepoint that throws undoes its writes and the callbacks that it registered, and the rest commits", async () => {
  const heard: string[] = []
  await db.begin(async (tx) => {
    await insert(tx, "kept")
    const undone = tx.savepoint(async (inner) => {
      await insert(inner, "undone")
      inner.beforeCommit((tx) => insert(tx, "never"))
      inner.afterCommit(() => heard.push("never"))
      await insert(inner, "kept")
    })
    expect(await failure(undone)).toMatchObject({ code: "23505", constraint_name: "written_once" })
    const done = await tx.savepoint(async (inner) => {
      inner.beforeCommit((tx) => insert(tx, "with the commit"))
      inner.afterCommit(() => heard.push("after"))
      return inner.savepoint(async (deeper) => insert(deeper, "deeper").then(() => "done"))
    })
    expect(done).toBe("done")
  })
  expect(await written()).toEqual(["deeper", "kept", "with the commit"])
  expect(heard).toEqual(["after"])
})

test("a statement after the end is refused, and reaches no other transaction", async () => {
  let kept: Tx | undefined
  let inner: Tx | undefined
  await db.begin(async (tx) => {
    kept = tx
    await tx.savepoint(async (savepoint) => {
      inner = savepoint
    })
    expect(await failure(insert(inner as Tx, "late"))).toMatchObject({ _tag: "TransactionOver" })
  })
  expect(await failure(insert(kept as Tx, "late"))).toMatchObject({ _tag: "TransactionOver" })
  expect(await failure((kept as Tx).savepoint(async () => {}))).toMatchObject({ _tag: "TransactionOver" })
  expect(await written()).toEqual([])
})

test("a callback that throws after the commit does not fail the commit", async () => {
  const warned = new Promise<Error>((resolve) => process.once("warning", resolve))
  const heard: string[] = []
  const answer = await db.begin(async (tx) => {
    tx.afterCommit(() => {
      throw new Error("hint failed")
    })
    tx.afterCommit(() => heard.push("after"))
    return "committed"
  })
  expect([answer, heard]).toEqual(["committed", ["after"]])
  expect((await warned).message).toBe("hint failed")
})

test("the queries before the commit travel with it, in one round trip", async () => {
  const counter = await roundTrips(database.url)
  const through = connect(counter.url, { applicationName: "slotbase test", max: 1 })
  const awaited = (who: string) =>
    through.begin(async (tx) => {
      await insert(tx, `${who} a`)
      await insert(tx, `${who} b`)
    })
  const pipelined = (who: string) =>
    through.begin(async (tx) => {
      tx.beforeCommit((tx) => insert(tx, `${who} b`))
      await insert(tx, `${who} a`)
    })
  // The first use of a statement on a connection takes a round trip more, to prepare it.
  await awaited("prepared")
  expect(await counter.during(() => awaited("one"))).toBe(4)
  expect(await counter.during(() => pipelined("two"))).toBe(3)
  expect(await written()).toEqual(["one a", "one b", "prepared a", "prepared b", "two a", "two b"])
  await through.end()
  counter.close()
})

function insert(tx: Tx, who: string) {
  return tx`insert into written (who) values (${who})`
}

async function written(): Promise<string[]> {
  return (await db<{ who: string }[]>`select who from written order by who`).map((row) => row.who)
}

function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => "it did not fail",
    (error: unknown) => error,
  )
}

/** A proxy that counts how often the client sends after an answer has arrived. */
async function roundTrips(url: string) {
  const { hostname, port } = new URL(url)
  let count = 0
  let answered = true
  const server = net.createServer((client) => {
    const upstream = net.connect(Number(port), hostname)
    client.on("data", (bytes) => {
      if (answered) count += 1
      answered = false
      upstream.write(bytes)
    })
    upstream.on("data", (bytes) => {
      answered = true
      client.write(bytes)
    })
    client.on("close", () => upstream.destroy())
    upstream.on("close", () => client.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const proxied = new URL(url)
  proxied.hostname = "127.0.0.1"
  proxied.port = String((server.address() as net.AddressInfo).port)
  return {
    url: proxied.href,
    async during(work: () => Promise<unknown>): Promise<number> {
      const before = count
      await work()
      return count - before
    },
    close: () => server.close(),
  }
}
