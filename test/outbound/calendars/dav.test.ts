// What a CalDAV server answers to the requests for its events: changes in parts, and servers that know no changes.

import { afterEach, expect, test } from "bun:test"
import { davOf } from "#outbound/calendars/caldav/dav.ts"

const servers: Bun.Server<undefined>[] = []
afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop(true))))

const account = { username: "a", password: "b" }
const access = { allow: ["127.0.0.1"], now: () => Date.now() }

/** A server that answers by method and body. Answers its calendar, and what it was asked. */
function answering(answer: (method: string, body: string) => { status?: number; inner?: string }) {
  const asked: string[] = []
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const body = await request.text()
      asked.push(request.method)
      const { status = 207, inner = "" } = answer(request.method, body)
      const text = `<d:multistatus xmlns:d="DAV:">${inner}</d:multistatus>`
      return new Response(status === 207 ? text : "", { status, headers: { "content-type": "application/xml" } })
    },
  })
  servers.push(server)
  return { asked, url: `http://127.0.0.1:${server.port}/calendar/` }
}
const anEvent = (name: string) =>
  `<d:response><d:href>/calendar/${name}</d:href><d:propstat><d:prop><d:getetag>"1"</d:getetag></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>`
const more = `<d:response><d:href>/calendar/</d:href><d:status>HTTP/1.1 507 Insufficient Storage</d:status></d:response>`
const token = (name: string) => `<d:sync-token>${name}</d:sync-token>`
const namesOf = (places: ReadonlyMap<string, string | null>) => [...places.keys()].map((each) => each.split("/").at(-1))

test("changes that come in parts (RFC 6578, 3.6) are read to the last part", async () => {
  const { url, asked } = answering((_, body) =>
    body.includes("part-2")
      ? { inner: anEvent("c.ics") + token("part-3") }
      : body.includes("part-1")
        ? { inner: anEvent("b.ics") + more + token("part-2") }
        : { inner: anEvent("a.ics") + more + token("part-1") },
  )
  const { changed, next } = await davOf(account, access).changedSince(url, null)
  expect(namesOf(changed)).toEqual(["a.ics", "b.ics", "c.ics"])
  expect(next).toBe("part-3")
  expect(asked).toHaveLength(3)
})

test("a server that says that there is more without going on is not understood", async () => {
  const { url } = answering(() => ({ inner: anEvent("a.ics") + more + token("same") }))
  await expect(davOf(account, access).changedSince(url, null)).rejects.toMatchObject({ code: "not_understood" })
})

test("all that there is comes by the report of changes, and by a listing where there is no such report", async () => {
  const quick = answering(() => ({ inner: anEvent("a.ics") + token("one") }))
  expect(namesOf(await davOf(account, access).places(quick.url))).toEqual(["a.ics"])
  expect(quick.asked).toEqual(["REPORT"])
  for (const status of [403, 405, 501]) {
    const plain = answering((method) => (method === "REPORT" ? { status } : { inner: anEvent("a.ics") }))
    expect(namesOf(await davOf(account, access).places(plain.url))).toEqual(["a.ics"])
    expect(plain.asked).toEqual(["REPORT", "PROPFIND"])
  }
  const refusing = answering(() => ({ status: 401 }))
  await expect(davOf(account, access).places(refusing.url)).rejects.toMatchObject({ code: "credentials_refused" })
  expect(refusing.asked).toEqual(["REPORT"])
})
