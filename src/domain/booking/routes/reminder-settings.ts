/** The reminders that a facility sends. */
import { Elysia } from "elysia"
import { changeReminderSettings, ReminderSettings, readReminderSettings } from "#domain/booking/reminders/settings.ts"
import type { App } from "#http/app.ts"
import { described } from "#http/describe.ts"
import { facilityIdOf } from "#http/path.ts"
import { api } from "#http/route.ts"

const tag = "Facilities"

export const reminderSettingsRoutes = (app: App) =>
  new Elysia({ name: "reminder-settings" })
    .use(api(app))
    .get(
      "/v1/facilities/:facilityId/reminder-settings",
      async ({ caller, params }) => readReminderSettings(app.db, await caller(), facilityIdOf(params.facilityId)),
      described({
        tag,
        summary: "Read which reminders the facility sends",
        description: "For staff.",
        answer: ReminderSettings,
      }),
    )
    .put(
      "/v1/facilities/:facilityId/reminder-settings",
      async ({ command, caller, input, body, params }) => {
        const who = await caller()
        const facilityId = facilityIdOf(params.facilityId)
        const settings = input(ReminderSettings, body)
        return command((tx) => changeReminderSettings(tx, who, facilityId, settings))
      },
      described({
        tag,
        summary: "Say which reminders the facility sends",
        description: "For administrators of the facility. Without a difference nothing is recorded.",
        body: ReminderSettings,
        answer: ReminderSettings,
        events: ["facility.settings_updated"],
        audited: "reminder_settings.changed",
      }),
    )
