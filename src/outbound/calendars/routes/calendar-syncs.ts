/** Calendars that are kept in step: one's own, and for staff those of resources. */
import { Elysia } from "elysia"
import { requireMember } from "#access/caller.ts"
import { checkUrl } from "#base/egress/fetch.ts"
import { NoInput } from "#base/schema/no-input.ts"
import { PageQuery } from "#base/schema/page.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { api } from "#http/route.ts"
import {
  askForSync,
  changeCalendar,
  connectCalendar,
  disconnectCalendar,
  listCalendars,
  readCalendar,
} from "#outbound/calendars/configs.ts"
import {
  type CalendarSyncInput as AskedSync,
  CalendarSyncConfig,
  CalendarSyncInput,
  CalendarSyncPatch,
} from "#outbound/calendars/input.ts"
import { requireProvider } from "#outbound/calendars/services.ts"
import { checkTemplates, defaultTemplates } from "#outbound/calendars/words.ts"

const tag = "Calendars"
const whose = "A person sees their own calendars, staff all of the facility."

export const calendarSyncRoutes = (app: App) =>
  new Elysia({ name: "calendar-syncs" })
    .use(api(app))
    .post(
      "/v1/facilities/:facilityId/calendar-syncs",
      async ({ command, caller, input, body, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        const asked = input(CalendarSyncInput, body)
        requireProvider(app.config, asked.provider)
        return command((tx) => connectCalendar(tx, app.secrets, member, asked), {
          status: 201,
          before: async () => {
            if (asked.provider === "apple") await checkUrl(asked.calendarId, app.config.egressAllow, "body.calendarId")
            await checkTemplates(member.facilityId, templatesOf(asked))
          },
        })
      },
      described({
        tag,
        summary: "Connect a calendar",
        description:
          "All bookings to come are pushed, and from then on every change. With the direction pull or both, what is busy " +
          "there makes the coach or the resource busy. Credentials are encrypted, and never returned.",
        body: CalendarSyncInput,
        bodySize: "large",
        answer: CalendarSyncConfig,
        status: 201,
        problems: [409],
        audited: { action: "calendar_sync.connected", by: "staff", after: "answer" },
      }),
    )
    .get(
      "/v1/facilities/:facilityId/calendar-syncs",
      async ({ caller, input, query, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        return listCalendars(app.db, member, input(PageQuery, query))
      },
      described({
        tag,
        summary: "List calendars",
        description: whose,
        query: PageQuery,
        answer: listOf(CalendarSyncConfig),
      }),
    )
    .get(
      "/v1/facilities/:facilityId/calendar-syncs/:id",
      async ({ caller, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        return readCalendar(app.db, member, idOf(params.id, "calendar"))
      },
      described({
        tag,
        summary: "Read a calendar and how it is in step",
        description: whose,
        answer: CalendarSyncConfig,
      }),
    )
    .patch(
      "/v1/facilities/:facilityId/calendar-syncs/:id",
      async ({ command, caller, input, body, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        const id = idOf(params.id, "calendar")
        const patch = input(CalendarSyncPatch, body)
        return command((tx) => changeCalendar(tx, app.secrets, member, id, patch), {
          before: async () => {
            await checkTemplates(member.facilityId, templatesOf(patch))
          },
        })
      },
      described({
        tag,
        summary: "Change a calendar",
        description:
          "Only what is given changes. Its entries are written anew where their words change. Staff may pause a person's calendar, and change nothing else of it.",
        body: CalendarSyncPatch,
        bodySize: "large",
        answer: CalendarSyncConfig,
        events: ["resource.updated"],
        audited: { action: "calendar_sync.changed", by: "staff" },
      }),
    )
    .delete(
      "/v1/facilities/:facilityId/calendar-syncs/:id",
      async ({ command, caller, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        return command((tx) => disconnectCalendar(tx, member, idOf(params.id, "calendar")))
      },
      described({
        tag,
        summary: "Disconnect a calendar",
        description:
          "What stands in the calendar stays there. The time that it made busy is free again. Whoever connects it again adopts the entries.",
        events: ["resource.updated"],
        audited: { action: "calendar_sync.disconnected", by: "staff" },
      }),
    )
    .post(
      "/v1/facilities/:facilityId/calendar-syncs/:id/sync",
      async ({ command, caller, input, body, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        input(NoInput, body)
        return command((tx) => askForSync(tx, member, idOf(params.id, "calendar")), { status: 202 })
      },
      described({
        tag,
        summary: "Bring a calendar in step now",
        description: "It is looked at within seconds, also while it waits for its next try.",
        body: NoInput,
        answer: CalendarSyncConfig,
        status: 202,
        problems: [409],
      }),
    )

const templatesOf = (asked: Pick<AskedSync, "titleTemplate" | "descriptionTemplate" | "locationTemplate">) => ({
  title: asked.titleTemplate ?? defaultTemplates.title,
  description: asked.descriptionTemplate ?? defaultTemplates.description,
  location: asked.locationTemplate ?? defaultTemplates.location,
})
