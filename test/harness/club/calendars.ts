// A club whose coach has a calendar at a CalDAV server, and the process that keeps it in step.

import { requireMember } from "#access/caller.ts"
import { calendarSyncHandler } from "#actors/handlers/calendar-sync.ts"
import { mirrorHandlers } from "#actors/handlers/index.ts"
import type { Config } from "#base/config.ts"
import type { Db } from "#base/database/db.ts"
import { readCalendar } from "#outbound/calendars/configs.ts"
import type { CalendarSyncConfig } from "#outbound/calendars/input.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { buildClub } from "#test/harness/club/build.ts"
import { bySql, type Person } from "#test/harness/club/club.ts"
import { atHour } from "#test/harness/club/hours.ts"
import type { CalDavServer } from "#test/harness/outside/caldav-server.ts"
import { dispatchAll, processRow } from "#test/harness/pipeline/pipeline.ts"
import { actorOf, drain } from "#test/harness/pipeline/runs.ts"
import { allow, syncAll } from "#test/harness/pipeline/sync-all.ts"

export { allow, syncAll }
export async function calendarApi(given: Partial<Config> = {}): Promise<TestApi> {
  const api = await testApi({ egressAllow: allow, ...given })
  await mirrorHandlers(api.database.db, [calendarSyncHandler()])
  return api
}

export type CalendarClub = Awaited<ReturnType<typeof calendarClub>>

export async function calendarClub(api: TestApi) {
  const { db } = api.database
  const club = await buildClub(bySql(db), {
    courts: ["court", "otherCourt"],
    people: { admin: "facility_admin", staff: "staff", coach: "coach", player: "player", friend: "player" },
  })
  const at = `/v1/facilities/${club.id}`
  const ask = async (method: string, path: string, by: Person, body?: unknown) =>
    api.call(method, `${at}${path}`, { token: by.token, ...(body !== undefined && { body }) })
  const done = async (method: string, path: string, by: Person, body?: unknown) => {
    const answer = await ask(method, path, by, body)
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  return {
    ...club,
    ask,
    done,
    /** Connects a calendar of the server for a person. */
    connect: async (by: Person, server: CalDavServer, calendarId: string, more: object = {}) =>
      (await done("POST", "/calendar-syncs", by, {
        provider: "apple",
        credentials: { username: server.username, password: server.password },
        calendarId,
        ...more,
      })) as CalendarSyncConfig,
    book: async (hour: number, more: object = {}) =>
      (await done("POST", "/bookings", club.staff, {
        resourceId: club.court,
        ...atHour(hour),
        bookerId: club.player.id,
        paymentMethod: "waived",
        ...more,
      })) as { id: string },
    cancel: (id: string) => done("POST", `/bookings/${id}/cancel`, club.staff, { cancellationReason: "rain" }),
    move: (id: string, hour: number) =>
      done("POST", `/bookings/${id}/reschedule`, club.staff, { resourceId: club.court, ...atHour(hour) }),
    lesson: (hour: number, more: object = {}) =>
      ask("POST", "/coach-sessions", club.coach, {
        resourceId: club.court,
        ...atHour(hour),
        sessionType: "private",
        students: [club.player.id],
        paymentMethod: "offline",
        ...more,
      }),
    read: (id: string): Promise<CalendarSyncConfig> => readCalendar(db, requireMember(club.admin.caller, club.id), id),
  }
}

/** Runs CalendarSyncHandler on all events, and then keeps all calendars in step, until nothing is due. */
export async function keepInStep(db: Db): Promise<void> {
  await askHandler(db)
  await syncAll(db)
}

export async function askHandler(db: Db): Promise<void> {
  await dispatchAll(db)
  await drain(actorOf(db, await processRow(db, true), calendarSyncHandler()))
}

/** A foreign event, an hour long from the n-th hour on. */
export function foreignEvent(uid: string, hour: number, more: readonly string[] = []): string {
  const { startAt, endAt } = atHour(hour)
  return eventText(uid, [`DTSTART:${stamp(startAt)}`, `DTEND:${stamp(endAt)}`, ...more])
}

export const eventText = (uid: string, lines: readonly string[]): string =>
  [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//Test//Test//EN",
    "BEGIN:VEVENT",
    `UID:${uid}`,
    "DTSTAMP:20260101T000000Z",
    "SUMMARY:Dentist",
    ...lines,
    "END:VEVENT",
    "END:VCALENDAR",
    "",
  ].join("\r\n")

/** 20260312T170000Z */
export const stamp = (instant: string): string => new Date(instant).toISOString().replace(/[-:]|\.\d{3}/g, "")
