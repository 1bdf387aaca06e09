// The guard of outgoing requests against hostile names and servers.

import { afterAll, describe, expect, test } from "bun:test"
import { join } from "node:path"
import { checkUrl, guardedFetch, type OutgoingRequest } from "#base/egress/fetch.ts"
import { RuleBroken } from "#base/errors.ts"
import { drip, startRawServer } from "#test/harness/outside/raw-server.ts"
import { failure } from "#test/harness/pipeline/pipeline.ts"

const loopback = ["127.0.0.0/8"]
const stops: (() => void)[] = []
afterAll(() => {
  for (const stop of stops) stop()
})

/** Ended with the tests. */
async function rawServer(answer: Parameters<typeof startRawServer>[0]): Promise<number> {
  const server = await startRawServer(answer)
  stops.push(server.stop)
  return server.port
}

const at = (...addresses: string[]): Pick<OutgoingRequest, "resolve"> => ({ resolve: async () => addresses })
const code = async (work: Promise<unknown>) => ((await failure(work)) as { code: string }).code

describe("where a request may go", () => {
  test.each([
    ["http://example.com/", ["93.184.216.34"], "https_required"],
    ["ftp://example.com/", ["93.184.216.34"], "https_required"],
    ["file:///etc/passwd", [], "https_required"],
    ["https://user:password@example.com/", ["93.184.216.34"], "bad_url"],
    ["https://user@example.com/", ["93.184.216.34"], "bad_url"],
    ["not a url", [], "bad_url"],
    [`https://example.com/${"x".repeat(8_000)}`, ["93.184.216.34"], "bad_url"],
    ["https://example.com:25/", ["93.184.216.34"], "blocked_port"],
    ["https://2130706433/", [], "private_address"],
    ["https://[::1]/", [], "private_address"],
    ["https://[64:ff9b::7f00:1]/", [], "private_address"],
    ["https://169.254.169.254/latest/meta-data/", [], "private_address"],
    ["https://localhost/", ["127.0.0.1"], "private_address"],
    ["https://inside.example/", ["10.0.0.5"], "private_address"],
    ["https://rebinding.example/", ["93.184.216.34", "10.0.0.5"], "private_address"],
    ["https://rebinding.example/", ["2606:4700::1", "::ffff:127.0.0.1"], "private_address"],
    ["https://nowhere.example/", [], "name_not_found"],
  ])("%s at %p: %s", async (url, addresses, expected) => {
    expect(await code(guardedFetch(url, { allow: [], ...at(...addresses) }))).toBe(expected)
  })

  test("plain http reaches exactly the allowed networks", async () => {
    const port = await rawServer((socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
    const url = `http://inside.example:${port}/`
    expect((await guardedFetch(url, { allow: loopback, ...at("127.0.0.1") })).body).toBe("ok")
    expect(await code(guardedFetch(url, { allow: ["10.0.0.0/8"], ...at("127.0.0.1") }))).toBe("private_address")
    expect(await code(guardedFetch(url, { allow: loopback, ...at("93.184.216.34") }))).toBe("https_required")
  })

  test("a host inside an allowed network is reached at no other address", async () => {
    const port = await rawServer((socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
    const answer = await guardedFetch(`http://both.example:${port}/`, {
      allow: loopback,
      ...at("10.0.0.5", "127.0.0.1"),
    })
    expect(answer.status).toBe(200)
  })

  test("a name is resolved once per request, so changing the answer has no effect", async () => {
    const port = await rawServer((socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
    const answers = [["127.0.0.1"], ["10.0.0.5"]]
    const resolve = async () => answers.shift() ?? []
    expect((await guardedFetch(`http://changing.example:${port}/`, { allow: loopback, resolve })).status).toBe(200)
    expect(answers).toEqual([["10.0.0.5"]])
  })

  test("the next address is tried when nothing listens at the first", async () => {
    const port = await rawServer((socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
    const answer = await guardedFetch(`http://two.example:${port}/`, {
      allow: loopback,
      ...at("127.0.0.9", "127.0.0.1"),
    })
    expect(answer.status).toBe(200)
  })
})

describe("checking an address before it is kept", () => {
  test("names the fault and its place", async () => {
    const error = (await failure(checkUrl("https://10.0.0.5/hook", []))) as RuleBroken
    expect(error).toBeInstanceOf(RuleBroken)
    expect([error.code, error.message, error.faults]).toEqual([
      "private_address",
      "10.0.0.5 is not a public address. SLOTBASE_EGRESS_ALLOW=10.0.0.5 would allow it.",
      [
        {
          path: "body.url",
          message: "10.0.0.5 is not a public address. SLOTBASE_EGRESS_ALLOW=10.0.0.5 would allow it.",
        },
      ],
    ])
  })

  test("an https name passes without resolving now, and plain http only with its address known", async () => {
    const nobody = async () => []
    expect(await checkUrl("https://later.example/", [], "body.url", nobody)).toBeUndefined()
    expect(await code(checkUrl("http://later.example/", loopback, "body.url", nobody))).toBe("https_required")
    expect(await checkUrl("http://127.0.0.1:8080/", loopback)).toBeUndefined()
  })
})

describe("a request and its answer", () => {
  const ask = (port: number, request: Partial<OutgoingRequest> = {}) =>
    guardedFetch(`http://127.0.0.1:${port}/path?q=1`, { allow: loopback, ...request })

  test("the request is exactly what was asked for, with one Host", async () => {
    let seen = ""
    const port = await rawServer((socket, request) => {
      seen = request
      socket.end("HTTP/1.1 204 No Content\r\nX-Answer: yes\r\nSet-Cookie: secret=1\r\n\r\n")
    })
    const answer = await guardedFetch(`http://inside.example:${port}/path?q=1#fragment`, {
      method: "PUT",
      headers: { "X-One": "1" },
      body: "{}",
      allow: loopback,
      ...at("127.0.0.1"),
    })
    expect(seen.split("\r\n")[0]).toBe("PUT /path?q=1 HTTP/1.1")
    expect(seen.match(/^host: .*$/gim)).toEqual([`Host: inside.example:${port}`])
    expect(seen).toContain("X-One: 1\r\n")
    expect(seen).toEndWith("\r\n\r\n{}")
    expect([answer.status, answer.headers]).toEqual([204, { "x-answer": "yes" }])
  })

  test("what decides about the next request is read behind any number of headers, and the first time it comes", async () => {
    const others = Array.from({ length: 60 }, (_, nth) => `X-${nth}: a\r\n`).join("")
    const decides = "Retry-After: 20\r\nContent-Encoding: gzip\r\nRetry-After: 30\r\n"
    const port = await rawServer((socket) => {
      socket.end(`HTTP/1.1 429 Too Many Requests\r\n${others}${decides}Content-Length: 2\r\n\r\nno`)
    })
    const { headers, body } = await ask(port)
    expect([headers["retry-after"], headers["content-encoding"], body]).toEqual([
      "20",
      "gzip",
      "(encoded as gzip, not read)",
    ])
    expect(Object.keys(headers)).toHaveLength(52)
  })

  test("a redirect is not followed", async () => {
    let requests = 0
    const port = await rawServer((socket) => {
      requests++
      socket.end("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")
    })
    expect((await ask(port)).status).toBe(302)
    expect(requests).toBe(1)
  })

  test("a huge body is cut after its first bytes, and the connection is closed", async () => {
    let sent = 0
    const closed = Promise.withResolvers<void>()
    const port = await rawServer((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${1_000_000_000}\r\n\r\n`)
      const chunk = Buffer.alloc(65_536, 97)
      const more = () => {
        while (!socket.destroyed && socket.write(chunk)) sent += chunk.length
      }
      socket.on("drain", more).on("close", () => closed.resolve())
      more()
    })
    const { status, body } = await ask(port, { maxResponseBytes: 1_000 })
    expect([status, body]).toEqual([200, "a".repeat(1_000)])
    await closed.promise
    expect(sent).toBeLessThan(50_000_000)
  })

  test("a body without a length is cut at the limit, too", async () => {
    const port = await rawServer((socket) =>
      socket.end(`HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${"b".repeat(5_000)}`),
    )
    expect((await ask(port, { maxResponseBytes: 10 })).body).toBe("b".repeat(10))
  })

  test("compressed bytes are not expanded", async () => {
    const zipped = Bun.gzipSync(Buffer.alloc(5_000_000, 97))
    const port = await rawServer((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${zipped.length}\r\n\r\n`)
      socket.end(zipped)
    })
    expect((await ask(port)).body).toBe("(encoded as gzip, not read)")
  })

  test("characters that PostgreSQL cannot store are replaced", async () => {
    const port = await rawServer((socket) =>
      socket.end(Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na\x00\xff", "latin1")),
    )
    expect((await ask(port)).body).toBe("a\ufffd\ufffd")
  })

  test.each([
    ["a body that comes byte by byte", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"],
    ["headers that come byte by byte", "HTTP/1.1 200 OK\r\nX-"],
    ["the first bytes of a head", "HTTP/"],
  ])("%s is ended by the one time limit", async (_, start) => {
    const port = await rawServer((socket) => {
      socket.write(start)
      if (start !== "HTTP/") drip(socket)
    })
    // The server drips for ever. A limit that restarted with each byte would never expire.
    expect(await code(ask(port, { timeoutMs: 200 }))).toBe("timed_out")
  })

  test("bytes that are no HTTP end the request at once", async () => {
    const port = await rawServer((socket) => drip(socket))
    expect(await code(ask(port))).toBe("bad_answer")
  })

  test("a name that resolves slowly is under the same limit", async () => {
    const resolve = () => new Promise<string[]>(() => {})
    expect(await code(guardedFetch("https://slow.example/", { allow: [], resolve, timeoutMs: 50 }))).toBe("timed_out")
  })

  test("the caller can give up", async () => {
    const port = await rawServer(() => {})
    const stop = new AbortController()
    const asked = ask(port, { signal: stop.signal })
    stop.abort()
    expect(await code(asked)).toBe("aborted")
    expect(await code(ask(port, { signal: stop.signal }))).toBe("aborted")
  })

  test("failures have stable codes", async () => {
    const reset = await rawServer((socket) => socket.resetAndDestroy())
    const short = await rawServer((socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"))
    const upgrade = await rawServer((socket) =>
      socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"),
    )
    expect(await code(ask(reset))).toBe("connection_lost")
    expect(await code(ask(short))).toBe("connection_lost")
    expect(await code(ask(upgrade))).toBe("bad_answer")
    expect(await code(guardedFetch("http://127.0.0.1:2/", { allow: loopback }))).toBe("connection_failed")
  })
})

test("the certificate is checked by the name, although the connection is made to the address", async () => {
  const folder = join(import.meta.dir, "certificates")
  const serve = (name: string) => {
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      tls: { cert: Bun.file(join(folder, `${name}.pem`)), key: Bun.file(join(folder, `${name}.key.pem`)) },
      fetch: (request) => new Response(request.headers.get("host")),
    })
    stops.push(() => void server.stop(true))
    return server.port
  }
  const [good, other] = [serve("localhost"), serve("elsewhere.test")]
  const urls = [
    `https://localhost:${good}/`,
    `https://localhost:${other}/`,
    `https://elsewhere.test:${other}/`,
    `https://elsewhere.test:${good}/`,
  ]
  const bundle = join(process.env.TMPDIR ?? "/tmp", `slotbase-test-ca-${process.pid}.pem`)
  const certificates = ["localhost", "elsewhere.test"].map((name) => Bun.file(join(folder, `${name}.pem`)).text())
  await Bun.write(bundle, (await Promise.all(certificates)).join("\n"))
  const client = Bun.spawn(
    [process.execPath, join(import.meta.dir, "tls-client.ts"), urls.join(","), "localhost", "elsewhere.test"],
    { env: { ...process.env, NODE_EXTRA_CA_CERTS: bundle }, stdout: "pipe" },
  )
  const printed = await new Response(client.stdout).text()
  await Bun.file(bundle).delete()
  expect(printed.trim().split("\n")).toEqual([
    `200 localhost:${good}`,
    "certificate_refused",
    `200 elsewhere.test:${other}`,
    "certificate_refused",
  ])
})
