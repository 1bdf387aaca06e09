/** Opens the provider of a calendar, with its credentials. */
import { clock } from "#base/clock.ts"
import type { Config } from "#base/config.ts"
import type { SecretBox } from "#base/secrets.ts"
import { calDavCalendar } from "./caldav/caldav.ts"
import { openCredentials, sealCredentials } from "./credentials.ts"
import { googleCalendar } from "./google/google.ts"
import { outlookCalendar } from "./outlook/outlook.ts"
import { CalendarFailed, type CalendarProvider } from "./provider.ts"
import type { CalendarSyncRow } from "./rows.ts"
import { understood } from "./understood.ts"

export interface CalendarTools {
  readonly config: Pick<Config, "egressAllow" | "google" | "outlook">
  readonly secrets: SecretBox
  readonly signal: AbortSignal
  /** Keeps other credentials of the calendar, sealed. */
  readonly keepCredentials: (sync: SyncToOpen, sealed: Uint8Array) => Promise<unknown>
}

export type SyncToOpen = Pick<CalendarSyncRow, "id" | "provider" | "credentials" | "calendar_id">

/** @throws CalendarFailed when the program is not configured for the provider */
export function openCalendar(tools: CalendarTools, sync: SyncToOpen): CalendarProvider {
  const { config, secrets, signal, keepCredentials } = tools
  const credentials = openCredentials(secrets, sync.id, sync.credentials)
  const access = { allow: config.egressAllow, signal, now: () => clock.now() }
  if (sync.provider === "apple") {
    const { username = "", password = "" } = credentials
    return understood(calDavCalendar(sync.calendar_id, { username, password }, access))
  }
  if (sync.provider === "google" && config.google) {
    const { refreshToken = "" } = credentials
    return understood(googleCalendar(config.google, { calendarId: sync.calendar_id, refreshToken }, access))
  }
  if (sync.provider === "outlook" && config.outlook) {
    const { refreshToken = "" } = credentials
    const keepRefreshToken = async (newer: string) => {
      await keepCredentials(sync, sealCredentials(secrets, sync.id, { refreshToken: newer }))
    }
    const account = { calendarId: sync.calendar_id, refreshToken, keepRefreshToken }
    return understood(outlookCalendar(config.outlook, account, access))
  }
  throw new CalendarFailed("program_refused", `This program is not configured for ${sync.provider}.`)
}
