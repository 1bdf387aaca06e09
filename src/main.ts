/**
 * The entry: reads the configuration, opens and migrates the database, and starts the server and the actors that
 * SLOTBASE_ROLE names. It ends them in the opposite order. The only file of src that knows the actors.
 */

import { startActors } from "#actors/index.ts"
import { broadcaster } from "#actors/live/broadcaster.ts"
import type { ReportFailure } from "#actors/runtime/supervisor.ts"
import { runActors } from "#actors/runtime/tree.ts"
import { EmbeddedUnavailable } from "#base/database/embedded/unavailable.ts"
import { listen, refuseBusyPort } from "./api/listen.ts"
import { openOutside } from "./api/outside.ts"
import { createOperationsServer, createServer } from "./api/server.ts"
import { superviseClock } from "./base/clock-follower.ts"
import { BadConfig, parseConfig } from "./base/config.ts"
import { connect } from "./base/database/db.ts"
import { isConnectionLost } from "./base/database/errors.ts"
import { migrate } from "./base/database/migrate.ts"
import { openDatabase } from "./base/database/open.ts"
import { watchWrites } from "./base/database/trouble.ts"
import { health } from "./base/health.ts"
import { superviseHints } from "./base/hint-watch.ts"
import { log, neverWaitForReader } from "./base/log.ts"
import { parts, passFailed } from "./base/parts.ts"
import { checkSecretKey, loadSecretKey } from "./base/secret-key.ts"
import { secretBox } from "./base/secrets.ts"
import { unknownVariables } from "./base/unknown-variables.ts"
import { version } from "./base/version.ts"
import { banner, complain, say } from "./demo/banner.ts"
import { findFirstClub } from "./demo/first-club.ts"
import { seedDemo } from "./demo/seed.ts"
import { ensureRootKey } from "./domain/people/api-keys.ts"
import { registeredHooks } from "./hooks/registered.ts"
import type { App } from "./http/app.ts"
import { Live } from "./outbound/live/live.ts"
import { mailboxUrl } from "./outbound/messages/channels/email/routes.ts"

/** Time for the answers under way, which are errors now. */
const endWithoutDatabaseMs = 2_000

/** Everything started so far, to be ended in the opposite order. */
const ends: (() => Promise<unknown> | unknown)[] = []
let stopping: Promise<never> | undefined

/** The answer of /readyz before all is started, and from the signal to the end: send requests elsewhere. */
const notYet = "The process is still starting."
const noMore = "The process is stopping."

async function start(): Promise<void> {
  neverWaitForReader()
  health.unhealthy(notYet)
  for (const warning of unknownVariables(process.env)) complain(warning)
  const config = parseConfig(process.env)
  log.setLevel(config.logLevel)
  await refuseBusyPort(config)
  const secrets = secretBox(await loadSecretKey(config))
  const database = await openDatabase(config, say)
  ends.push(database.stop)
  if (stopping) return
  database.watch({ onLost: endWithoutDatabase })
  const { applied } = await migrate(database.url)
  if (applied.length > 0) log.info("migrated", { files: applied })

  const onSwap = (reason: string) => log.warn("database connections replaced", { reason })
  const db = connect(database.url, { max: 20, applicationName: `slotbase ${config.role}`, onSwap })
  ends.push(() => db.end())
  await checkSecretKey(db, secrets)
  ends.push(await superviseClock(db, { onJump: (says) => log.warn("clock jumped", { says }) }))
  ends.push(await superviseHints(db))
  ends.push(watchWrites(db))

  const app: App = { config, db, secrets, hooks: registeredHooks }
  const rootKey = await ensureRootKey(db, config)
  const demo = config.demo && database.embedded ? await seedDemo(app) : undefined
  const address = config.role === "actors" ? await serveOperations(app) : await serveApi(app)
  if (config.role !== "server") {
    const actors = await startActors(app, { url: database.url, version, report, onSwap })
    ends.push(actors.stop)
    void actors.failed.then(escalate)
  }
  const [mailbox, first] = [mailboxUrl(app, address), await findFirstClub(db, config)]
  // From here on nothing fails the start: a process that was ready heals, or its supervisors end it.
  health.recovered(notYet)
  log.info("started", { address, role: config.role, version, environment: config.environment })
  say(banner({ config, address, embedded: database.embedded, rootKey, demo, mailbox, first }))
}

async function serveApi(app: App): Promise<string> {
  const live = new Live(app.db)
  const server = createServer({ ...app, ...openOutside(app.config, app.db) }, live)
  const { address, watch, stop } = await listen(server, app.config)
  watch(escalate)
  ends.push(stop)
  const broadcasting = runActors([broadcaster(app.db, live)], report)
  ends.push(broadcasting.stop, () => live.closeAll())
  void broadcasting.failed.then(escalate)
  return address
}

async function serveOperations(app: App): Promise<string> {
  const { address, watch, stop } = await listen(createOperationsServer(app), app.config)
  watch(escalate)
  ends.push(stop)
  return address
}

/**
 * Ends everything, the newest first; a second signal does not wait. A start under way is completed first, because only
 * then can it be ended. Otherwise the embedded database stays behind, or actors run on and are never drained.
 */
function stop(code: number): Promise<never> {
  health.unhealthy(noMore)
  stopping ??= (async () => {
    const hasStarted = await starting.then(
      () => true,
      () => false,
    )
    for (const end of ends.reverse())
      await Promise.resolve(end()).catch((error: Error) => log.error("stop failed", { error: error.message }))
    if (hasStarted) log.info("stopped", { code })
    process.exit(code)
  })()
  return stopping
}

function escalate(reason: Error): void {
  log.error("cannot heal", { error: reason.message })
  void stop(1)
}

/** Without a database nothing can be given back or settled, so nothing waits for its time limit. */
function endWithoutDatabase(reason: Error): void {
  setTimeout(() => process.exit(1), endWithoutDatabaseMs)
  escalate(reason)
}

parts.onChange(({ part, state, reason, code }, before) => {
  // The supervisor of the actors reports a failed pass itself, with its cause.
  const reported = state === "well" ? before.code === passFailed : code === passFailed
  if (reported) return
  if (state === "ill") log.error("part ill", { part, reason })
  else if (state === "restarting") log.warn("part restarting", { part, reason })
  else log.info("part works again", { part, afterMs: Math.round(before.sinceMs) })
})

for (const accident of ["uncaughtException", "unhandledRejection"] as const) {
  process.on(accident, (error: unknown) => escalate(error instanceof Error ? error : new Error(String(error))))
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    if (stopping) process.exit(130)
    say(`${signal}: finishing what is under way …`)
    log.info("stopping", { signal })
    void stop(0)
  })
}

const report: ReportFailure = (line) => log.error("actor failed", { ...line })

const starting = start()
starting.catch(async (error: unknown) => {
  const known =
    error instanceof BadConfig || error instanceof EmbeddedUnavailable || (error instanceof Error && "_tag" in error)
  if (isConnectionLost(error)) complain(`The database was lost during the start: ${(error as Error).message}.`)
  else complain(known ? (error as Error).message : error)
  await stop(known ? 2 : 1)
})
