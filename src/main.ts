/**
 * The entry: reads the configuration, opens and migrates the database, and starts the server and the actors that
 * SLOTBASE_ROLE names. It ends them in the opposite order. The only file of src that knows the actors.
 */

import { reservedNames } from "#actors/handlers/index.ts"
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
import { isConnectionLost, isConnectionRefused, troubleOf } from "./base/database/errors.ts"
import { connectionsPart, givenConnections } from "./base/database/given-connections.ts"
import { migrate } from "./base/database/migrate.ts"
import { leastConnections, openDatabase } from "./base/database/open.ts"
import { watchWrites } from "./base/database/trouble.ts"
import { health } from "./base/health.ts"
import { superviseHints } from "./base/hint-watch.ts"
import { log, neverWaitForReader } from "./base/log.ts"
import { parts, passFailed } from "./base/parts.ts"
import { checkSecretKey, loadSecretKey } from "./base/secret-key.ts"
import { secretBox } from "./base/secrets.ts"
import { startPhase } from "./base/start-phase.ts"
import { unknownVariables } from "./base/unknown-variables.ts"
import { version } from "./base/version.ts"
import { banner, complain, say } from "./demo/banner.ts"
import { findFirstClub } from "./demo/first-club.ts"
import { seedDemo } from "./demo/seed.ts"
import { ensureRootKey } from "./domain/people/api-keys.ts"
import { createHooks } from "./hooks/create-hooks.ts"
import { loadExtension, noExtension } from "./hooks/load-extension.ts"
import { registeredHooks } from "./hooks/registered.ts"
import type { App } from "./http/app.ts"
import { Live } from "./outbound/live/live.ts"
import { mailboxUrl } from "./outbound/messages/channels/email/routes.ts"
import { phoneUrl } from "./outbound/messages/channels/sms/routes.ts"
import { loadAssets } from "./pages/assets.ts"

/** Time for the answers under way, which are errors now. */
const endWithoutDatabaseMs = 2_000

/** Everything started so far, to be ended in the opposite order. */
const ends: (() => Promise<unknown> | unknown)[] = []
let stopping: Promise<never> | undefined

/** The answer of /readyz before all is started, and from the signal to the end: send requests elsewhere. */
const notYet = "The process is still starting."
const noMore = "The process is stopping."
const migrating = "The process is starting: the database gets its migrations."
const waiting = "The process is starting: it waits for another process that migrates the database."

/** Ends what a start may wait for without a limit. */
const giveUp = new AbortController()

async function start(): Promise<void> {
  neverWaitForReader()
  health.unhealthy(notYet)
  for (const warning of unknownVariables(process.env)) complain(warning)
  const config = parseConfig(process.env)
  log.setLevel(config.logLevel)
  const { extensions } = config
  const own = extensions === undefined ? noExtension : await loadExtension(extensions, reservedNames)
  await refuseBusyPort(config)
  const secrets = secretBox(await loadSecretKey(config))
  const database = await openDatabase(config, say)
  ends.push(database.stop)
  if (stopping) return
  database.watch({ onLost: endWithoutDatabase })
  if (database.advice) complain(database.advice)

  const onSwap = (reason: string) => log.warn("database connections replaced", { reason })
  const { sessionUrl } = database
  const applicationName = `slotbase ${config.role}`
  const db = connect(database.url, { max: config.dbPool, listenUrl: sessionUrl, applicationName, onSwap })
  ends.push(() => db.end())
  const app: App = { config, db, secrets, hooks: createHooks([...registeredHooks, ...own.hooks]) }
  parts.well(connectionsPart)
  // The listener is open before all that may take long. Whoever looks after this process sees that it lives.
  startPhase.begin(migrating)
  const live = new Live(db)
  const address = config.role === "actors" ? await serveOperations(app) : await serveApi(app, live)
  await migrateOrWait(sessionUrl)
  startPhase.begin(notYet)
  await checkSecretKey(db, secrets)
  ends.push(await superviseClock(db, { onJump: (says) => log.warn("clock jumped", { says }) }))
  ends.push(await superviseHints(db))
  ends.push(watchWrites(db))

  const rootKey = await ensureRootKey(db, config)
  const demo = config.demo && database.embedded ? await seedDemo(app) : undefined
  startPhase.over()
  if (config.role !== "actors") broadcast(app, live)
  if (config.role !== "server") {
    const actors = await startActors(
      { ...app, ownHandlers: own.handlers },
      { url: database.url, sessionUrl, version, report, onSwap },
    )
    ends.push(actors.stop)
    void actors.failed.then(escalate)
  }
  // Elsewhere the first visitor of a booking page waits for the bundle.
  if (config.role !== "actors" && config.environment !== "development") void loadAssets().catch(complain)
  const [mailbox, phone] = [mailboxUrl(app, address), phoneUrl(app, address)]
  const first = await findFirstClub(db, config)
  // From here on nothing fails the start: a process that was ready heals, or its supervisors end it.
  health.recovered(notYet)
  log.info("started", { address, role: config.role, version, environment: config.environment })
  say(banner({ config, address, embedded: database.embedded, rootKey, demo, mailbox, phone, first }))
}

async function migrateOrWait(url: string): Promise<void> {
  const onWait = () => {
    startPhase.begin(waiting)
    log.info("waiting for the migrations of another process")
  }
  const { applied } = await migrate(url, undefined, { onWait, signal: giveUp.signal })
  if (applied.length > 0) log.info("migrated", { files: applied })
}

async function serveApi(app: App, live: Live): Promise<string> {
  const server = createServer({ ...app, ...openOutside(app.config, app.db) }, live)
  const { address, watch, stop } = await listen(server, app.config)
  watch(escalate)
  ends.push(stop)
  return address
}

function broadcast(app: App, live: Live): void {
  const broadcasting = runActors([broadcaster(app.db, live)], report)
  ends.push(broadcasting.stop, () => live.closeAll())
  void broadcasting.failed.then(escalate)
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
  giveUp.abort()
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

const tooFewConnections = () =>
  `PostgreSQL gives this process only ${givenConnections.alive()} connections, and it needs ${leastConnections} at least: raise the limit of the role, the database or the server, or end other sessions.`

const report: ReportFailure = (line) => log.error("actor failed", { ...line })

const starting = start()
starting.catch(async (error: unknown) => {
  const known =
    error instanceof BadConfig || error instanceof EmbeddedUnavailable || (error instanceof Error && "_tag" in error)
  // Its end was asked for.
  if (giveUp.signal.aborted) return void (await stop(0))
  if (isConnectionRefused(error, 0) || troubleOf(error) === "database_busy") {
    complain(tooFewConnections())
    return void (await stop(2))
  }
  if (isConnectionLost(error)) complain(`The database was lost during the start: ${(error as Error).message}.`)
  else complain(known ? (error as Error).message : error)
  await stop(known ? 2 : 1)
})
