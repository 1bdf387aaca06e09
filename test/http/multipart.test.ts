// Multipart forms: files are read as streams and never kept in memory; malformed and oversized forms are refused.

import { expect, test } from "bun:test"
import { type FilePart, readForm } from "#http/multipart.ts"
import { rangeOf } from "#http/ranges.ts"

const mib = 1024 * 1024
const type = "multipart/form-data; boundary=b"
const head = (name: string, file?: string) =>
  `--b\r\nContent-Disposition: form-data; name="${name}"${file === undefined ? "" : `; filename="${file}"`}\r\n\r\n`
const end = "\r\n--b--\r\n"

const request = (body: string | ReadableStream, contentType = type) =>
  new Request("http://slotbase.test/", { method: "POST", body, headers: { "content-type": contentType } })

/** Reads each file to its end; returns the fields and files. */
async function read(given: Request, limits = { bytes: mib, files: 2 }) {
  const files: [string, string, string][] = []
  const fields = await readForm(given, limits, async ({ name, fileName, bytes }: FilePart) => {
    const pieces: Uint8Array[] = []
    for await (const piece of bytes) pieces.push(piece)
    files.push([name, fileName, Buffer.concat(pieces).toString()])
  })
  return { fields: [...fields], files }
}
const refusal = (given: Request) =>
  read(given).then(
    () => "taken",
    (error: { status: number; code: string }) => `${error.status} ${error.code}`,
  )

test("fields by their names, files in their order, with names in UTF-8 and without their paths", async () => {
  const body = `${head("a")}1\r\n${head("a")}2\r\n${head("f", "../größe.jpg")}bytes\r\n${head("b")}${"\r\n"}${head("g", "x")}${end}`
  expect(await read(request(body))).toEqual({
    fields: [
      ["a", ["1", "2"]],
      ["b", [""]],
    ],
    files: [
      ["f", "größe.jpg", "bytes"],
      ["g", "x", ""],
    ],
  })
})

test("a body that is no form, and a form that is too large, are refused", async () => {
  expect(await refusal(request("{}", "application/json"))).toBe("415 unsupported_media_type")
  expect(await refusal(request("x", "multipart/form-data"))).toBe("422 malformed_multipart")
  expect(await refusal(request("x"))).toBe("422 malformed_multipart")
  expect(await refusal(request(`${head("f", "x")}bytes`))).toBe("422 malformed_multipart")
  expect(await refusal(request(`${head("f", "x")}\r\n`.repeat(3) + end.slice(2)))).toBe("422 malformed_multipart")
  expect(await refusal(request(`${head("a")}1\r\n`.repeat(101) + end.slice(2)))).toBe("422 malformed_multipart")
  expect(await refusal(request(`${head("a")}${"x".repeat(40_001)}${end}`))).toBe("422 malformed_multipart")
  const many = `${head("a")}${"x".repeat(40_000)}\r\n`.repeat(7) + end.slice(2)
  expect(await refusal(request(many))).toBe("422 malformed_multipart")
  expect(await refusal(request(`${head("a".repeat(101))}x${end}`))).toBe("422 malformed_multipart")
  expect(await refusal(request(`${head("f", "x")}${"x".repeat(mib)}${end}`))).toBe("413 body_too_large")
})

test("a file that is refused ends the reading, and the answer waits until the file has been cleaned up", async () => {
  const cleaned = Promise.withResolvers<void>()
  let isCleaned = false
  const body = `${head("f", "x")}${"x".repeat(500_000)}${end}`
  const reading = readForm(request(body), { bytes: mib, files: 1 }, async ({ bytes }) => {
    try {
      for await (const _ of bytes) throw new Error("not this one")
    } finally {
      await cleaned.promise
      isCleaned = true
    }
  })
  const answered = reading.catch((error: Error) => [error.message, isCleaned])
  cleaned.resolve()
  expect(await answered).toEqual(["not this one", true])
})

test("a large file passes through without staying in memory", async () => {
  const pieces = 32
  let sent = 0
  const body = new ReadableStream({
    pull(controller) {
      if (sent === 0) controller.enqueue(Buffer.from(head("f", "x")))
      if (sent++ < pieces) return controller.enqueue(Buffer.alloc(mib, 1))
      controller.enqueue(Buffer.from(end))
      controller.close()
    },
  })
  Bun.gc(true)
  const before = process.memoryUsage().external
  let held = Number.POSITIVE_INFINITY
  await readForm(request(body), { bytes: 2 * pieces * mib, files: 1 }, async ({ bytes }) => {
    let length = 0
    for await (const piece of bytes) {
      length += piece.byteLength
      if (length < (pieces - 1) * mib || held < Number.POSITIVE_INFINITY) continue
      Bun.gc(true)
      held = process.memoryUsage().external - before
    }
  })
  expect(held).toBeLessThan(8 * mib)
})

test("a range of bytes is read as players write it", () => {
  const cases: [string | null, unknown][] = [
    [null, "whole"],
    ["bytes=0-0", [0, 0]],
    ["bytes=5-", [5, 9]],
    ["bytes=5-99", [5, 9]],
    ["bytes=-3", [7, 9]],
    ["bytes=-99", [0, 9]],
    ["Bytes = 1-2", [1, 2]],
    ["bytes=10-", "none"],
    ["bytes=-0", "none"],
    ["bytes=5-2", "whole"],
    ["bytes=-", "whole"],
    ["bytes=0-1,3-4", "whole"],
    ["lines=1-2", "whole"],
  ]
  for (const [header, range] of cases) expect([header, rangeOf(header, 10)]).toEqual([header, range] as never)
  expect(rangeOf("bytes=0-", 0)).toBe("none")
})
