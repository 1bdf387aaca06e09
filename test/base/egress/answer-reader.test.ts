// Answers in every division into pieces, well formed, odd and hostile.

import { describe, expect, test } from "bun:test"
import { AnswerReader } from "#base/egress/answer-reader.ts"
import { failure } from "#test/harness/pipeline/pipeline.ts"

/** Reads the text in pieces of this size. */
function read(text: string, size: number, { method = "POST", limit = 100 } = {}): AnswerReader {
  const reader = new AnswerReader(method, limit)
  const bytes = Buffer.from(text, "latin1")
  for (let at = 0; at < bytes.length; at += size) reader.read(bytes.subarray(at, at + size))
  return reader
}
const seen = (reader: AnswerReader) => ({
  status: reader.status,
  body: Buffer.from(reader.body).toString("latin1"),
  isComplete: reader.isComplete,
  mayReuse: reader.isComplete && reader.mayReuse,
})

describe.each([1, 2, 3, 7, 10_000])("in pieces of %d bytes", (size) => {
  test.each<readonly [string, string, object]>([
    ["a length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", { body: "ok", isComplete: true, mayReuse: true }],
    ["a length twice", "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok", { body: "ok", mayReuse: true }],
    ["lines without returns", "HTTP/1.1 200\nContent-Length: 2\n\nok", { body: "ok", isComplete: true }],
    ["a folded header", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n", { isComplete: true }],
    [
      "chunks with extensions and trailers",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\no\r\n1\r\nk\r\n0\r\nX: y\r\n\r\n",
      { body: "ok", isComplete: true, mayReuse: true },
    ],
    ["no length", "HTTP/1.1 200 OK\r\n\r\nok", { body: "ok", isComplete: false }],
    ["HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", { isComplete: true, mayReuse: false }],
    ["an end", "HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n", { mayReuse: false }],
    ["a 304 with a length", "HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n", { status: 304, isComplete: true }],
    ["bytes after a 204", "HTTP/1.1 204 No\r\n\r\nextra", { status: 204, isComplete: true, mayReuse: false }],
    ["interim answers", "HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 204 No\r\n\r\n", { status: 204, mayReuse: true }],
    [
      "a length beside chunks",
      "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      { body: "", isComplete: true, mayReuse: false },
    ],
  ])("%s", (_, text, expected) => {
    expect(seen(read(text, size))).toMatchObject({ status: 200, ...expected })
  })

  test.each<readonly [string, string]>([
    ["another protocol", "SSH-2.0-x\r\n"],
    ["another version", "HTTP/2 200\r\n\r\n"],
    ["no status", "HTTP/1.1 OK\r\n\r\n"],
    ["a header without a name", "HTTP/1.1 200 OK\r\n: x\r\n\r\n"],
    ["a space before the colon", "HTTP/1.1 200 OK\r\nX : y\r\n\r\n"],
    ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n"],
    ["a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"],
    ["a switch of protocols", "HTTP/1.1 101 Up\r\n\r\n"],
    ["interim answers without end", "HTTP/1.1 100 Go\r\n\r\n".repeat(20)],
    ["a head without end", `HTTP/1.1 200 OK\r\nX: ${"y".repeat(40_000)}`],
    ["too many headers", `HTTP/1.1 200 OK\r\n${"X: y\r\n".repeat(300)}\r\n`],
    ["a chunk longer than it says", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n"],
    ["a line of a chunk without end", `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;${"x".repeat(9_000)}`],
  ])("refused: %s", async (_, text) => {
    const error = await failure(Promise.resolve().then(() => read(text, size)))
    expect((error as { code: string }).code).toBe("bad_answer")
  })
})

test("a body is kept up to the limit, and a body of exactly the limit is whole", () => {
  const answer = (length: number) => `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n${"x".repeat(length)}`
  const [whole, cut] = [read(answer(100), 10), read(answer(101), 10)]
  expect([whole.isComplete, whole.isCut, whole.body.length]).toEqual([true, false, 100])
  expect([cut.isComplete, cut.isCut, cut.body.length]).toEqual([false, true, 100])
})

test("characters that a log or PostgreSQL cannot take are replaced in headers", () => {
  const { headers } = read("HTTP/1.1 200 OK\r\nX: a\u0000b\u001bc\r\nContent-Length: 0\r\n\r\n", 10_000)
  expect(headers[0]).toEqual(["x", "a\ufffdb\ufffdc"])
})
