/**
 * A single connection for work of its own: the first question to a database, its migrations. When the server has no
 * connection to give, the work waits for one, but not for ever.
 */
import type postgres from "postgres"
import { openDriver } from "./driver.ts"
import { isConnectionRefused } from "./errors.ts"

/** As long as a statement of the program waits. */
const waitAtMostMs = 10_000
const connectSeconds = 5

/** Connects lazily. A refusal is only answered when no connection was to be had for ten seconds. */
export function openOnce(url: string, applicationName: string): postgres.Sql {
  const openedAt = performance.now()
  return openDriver(url, {
    max: 1,
    connect_timeout: connectSeconds,
    onnotice: () => {},
    onrefused: (error, alive) => isConnectionRefused(error, alive) && performance.now() - openedAt < waitAtMostMs,
    connection: { application_name: applicationName },
  })
}
