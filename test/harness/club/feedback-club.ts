// Over HTTP: a club with a coach's session, and people with and without the right to see its feedback. Uploads go to a
// folder of the test. Requests with files can also be sent over a real socket.

import { mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createServer } from "#api/server.ts"
import type { Config } from "#base/config.ts"
import { type Answer, testApi } from "#test/harness/api/api.ts"
import { buildClub } from "./build.ts"
import { bySql, type Person } from "./club.ts"
import { aChildLink } from "./factories.ts"
import { atHour } from "./hours.ts"

export async function makeFeedbackClub(given: Partial<Config> = {}) {
  const dataDir = given.dataDir ?? (await mkdtemp(join(tmpdir(), "slotbase-uploads-")))
  const api = await testApi({ dataDir, ...given })
  const { db } = api.database
  const other = await buildClub(bySql(db), { courts: [], people: { foreignAdmin: "facility_admin" } })
  const { id, court, ...members } = await buildClub(bySql(db), {
    facility: { sportTypes: ["tennis", "padel"] },
    courts: ["court"],
    people: {
      admin: "facility_admin",
      staff: "staff",
      coach: "coach",
      otherCoach: "coach",
      student: "player",
      friend: "player",
      parent: "parent",
      /** A parent of the student, without the permission to see feedback. */
      payer: "parent",
    },
  })
  const people = { ...members, foreignAdmin: other.foreignAdmin }
  const link = (parent: Person, permissions: string[], isPrimary: boolean) =>
    aChildLink(db, { parent: parent.id, child: people.student.id, permissions }, { relationship: "parent", isPrimary })
  await link(people.parent, ["view_feedback"], true)
  await link(people.payer, ["book", "pay"], false)
  const at = `/v1/facilities/${id}`

  /** Sent as JSON, or as the given form. */
  async function send(by: Person | undefined, method: string, path: string, body?: unknown, headers: object = {}) {
    const address = path.startsWith("/v1/") ? path : `${at}${path}`
    if (!(body instanceof FormData)) {
      return api.call(method, address, {
        ...(by && { token: by.token }),
        ...(body !== undefined && { body }),
        headers: headers as Record<string, string>,
      })
    }
    const request = new Request(`http://slotbase.test${address}`, {
      method,
      body,
      headers: { authorization: `Bearer ${by?.token}`, ...headers },
    })
    return answerOf(await api.server.handle(request))
  }

  let hour = 0
  const aSession = async () => {
    const lesson = { resourceId: court, ...atHour(hour++), sessionType: "private", paymentMethod: "offline" }
    const students = [people.student.id, people.friend.id]
    const made = await send(people.coach, "POST", "/coach-sessions", { ...lesson, students })
    if (made.status !== 201) throw new Error(`${made.status} ${JSON.stringify(made.body)}`)
    return made.body.id as string
  }
  const sessionId = await aSession()
  const server = createServer(api.app).listen({ hostname: "127.0.0.1", port: 0 })

  return {
    api,
    db,
    id,
    at,
    ...people,
    sessionId,
    aSession,
    send,
    get: (by: Person, path: string) => send(by, "GET", path),
    post: (by: Person, path: string, body: unknown = {}) => send(by, "POST", path, body),
    /** A draft on the student by the coach; returns its id. */
    async draft(more: object = {}): Promise<string> {
      const body = { sessionId, studentId: people.student.id, text: "Watch the ball.", ...more }
      const made = await send(people.coach, "POST", "/feedback", body)
      if (made.status !== 201) throw new Error(`${made.status} ${JSON.stringify(made.body)}`)
      return made.body.id
    },
    dataDir,
    /** The paths of all files in the uploads folder, relative to it. */
    async files(): Promise<string[]> {
      const found = await readdir(join(dataDir, "uploads"), { recursive: true, withFileTypes: true }).catch(() => [])
      return found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
    },
    /** The address for a socket. */
    address: `http://127.0.0.1:${server.server?.port}`,
    port: server.server?.port ?? 0,
    async stop() {
      await server.stop(true)
      await api.database.drop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
export type FeedbackClub = Awaited<ReturnType<typeof makeFeedbackClub>>

export async function answerOf(answer: Response): Promise<Answer> {
  const text = await answer.text()
  return { status: answer.status, headers: answer.headers, body: text === "" ? undefined : JSON.parse(text) }
}

/** A form with one file, as a browser sends it. */
export function aForm(file: Uint8Array, { part = "file", name = "photo.jpg", type = "image/jpeg" } = {}): FormData {
  const form = new FormData()
  form.append(part, new File([Buffer.from(file)], name, { type }))
  return form
}

/** Status and code of a refusal; otherwise the status alone. */
export const outcome = ({ status, body }: Answer) => (body?.code === undefined ? `${status}` : `${status} ${body.code}`)

/** The events that a request recorded, in order. */
export async function recordedBy({ db }: FeedbackClub, { headers }: Answer) {
  const ids = (headers.get("x-slotbase-event-ids") ?? "").split(",").filter(Boolean)
  const rows = await db<{ id: string; type: string; facility_id: string; user_id: string; data: object }[]>`
    select id, type, facility_id, user_id, data from slotbase.events where id = any (${ids}::uuid[]) order by id`
  return rows.map(({ id: _, ...row }) => ({ ...row }))
}
