/**
 * The one place that opens the driver. All connections of the program read their connection string here: those of
 * requests and actors, pg-boss, the listener, migrations and the command line.
 */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import postgres from "postgres"
import { certificateHash } from "./certificate-hash.ts"
import {
  type ConnectionString,
  isSocket,
  parseConnectionString,
  UnusableConnectionString,
} from "./connection-string.ts"
import { passwordIn, withService } from "./password-file.ts"
import { tlsOf } from "./tls.ts"

export interface DriverOptions extends postgres.Options<Record<string, postgres.PostgresType>> {
  /** Seconds; a shorter `connect_timeout` of the connection string wins. */
  readonly connect_timeout: number
  /** PostgreSQL or a pooler has refused one more connection. True: the work waits for one of the others. */
  readonly onrefused?: (error: unknown, alive: number, underWay: number) => boolean
  /** A connection was made. */
  readonly ongiven?: (alive: number) => void
}

/** Additions of the patch to the driver (patches/). */
export interface PatchedSql extends postgres.Sql {
  /** Connections that are made and not closed. */
  alive(): number
  /** Closes one connection as soon as its work is done, and opens none for a second. False: there was none. */
  shed(): boolean
}

/** Throws `UnusableConnectionString`. The driver connects lazily. */
export function openDriver(text: string, options: DriverOptions, env = process.env): PatchedSql {
  return postgres({
    ...driverOptions(text, options.connect_timeout, env),
    ...named(text, options, env),
  } as never) as PatchedSql
}

/** What a connection string says to the driver. Everything is stated, so that the driver reads no variable itself. */
export function driverOptions(text: string, connectSeconds: number, env: NodeJS.ProcessEnv = process.env) {
  const given = withService(parseConnectionString(text), env)
  const { parameters } = given
  const port = Number(env.PGPORT || 5432)
  const hosts = shuffled(given, given.hosts.length > 0 ? given.hosts : [{ host: env.PGHOST || "localhost" }])
  const user = given.user ?? env.PGUSER ?? env.USER ?? "postgres"
  const database = given.database ?? env.PGDATABASE ?? user
  const [first] = hosts
  const socket = first !== undefined && isSocket(first.host)
  const seconds = Number(parameters.get("connect_timeout") || 0)
  const session = parameters.get("target_session_attrs")
  return {
    host: hosts.map(({ host }) => host),
    port: hosts.map((each) => each.port ?? port),
    ...(socket && { path: join(first.host, `.s.PGSQL.${first.port ?? port}`) }),
    user,
    database,
    pass: given.password ?? env.PGPASSWORD ?? passwordIn({ hosts, port, user, database, parameters, env }) ?? "",
    ssl: socket ? false : tlsOf(parameters, hosts, readNamed),
    sslnegotiation: parameters.get("sslnegotiation") === "direct" ? "direct" : null,
    ...(parameters.get("channel_binding") === "require" && { channelBinding: certificateHash }),
    // The statements of a session pass a pooler of transactions without a name, because each may meet another server.
    prepare: !poolsTransactions(parameters),
    // One statement at a time on a connection. PgBouncer does not count the question for the types of parameters, which
    // the driver asks first. Asked behind another statement, it reached a server that counted as free when the other
    // one had ended. Its answer was thrown away, and the statement hung until its deadline.
    ...(poolsTransactions(parameters) && { max_pipeline: 0 }),
    keep_alive: parameters.get("keepalives") === "0" ? 0 : Number(parameters.get("keepalives_idle") || 60),
    connect_timeout: seconds > 0 ? Math.min(seconds, connectSeconds) : connectSeconds,
    target_session_attrs: session === undefined || session === "any" ? null : session,
  }
}

/** Whether each transaction may meet another server: nothing of a session lasts. */
export function poolsTransactions(parameters: ConnectionString["parameters"]): boolean {
  const mode = parameters.get("pgbouncer")
  return mode === "true" || mode === "transaction"
}

/** Behind a pooler no start-up parameters are sent, which it would refuse; a name of the program is known to it. */
function named(text: string, options: DriverOptions, env: NodeJS.ProcessEnv): Omit<DriverOptions, "connect_timeout"> {
  const { parameters } = withService(parseConnectionString(text), env)
  const { connect_timeout: _, connection = {}, ...others } = options
  const own = String(connection.application_name ?? "slotbase")
  const theirs = parameters.get("application_name") ?? parameters.get("fallback_application_name")
  const settings = parameters.has("pgbouncer") ? {} : connection
  const start = parameters.get("options")
  return {
    ...others,
    connection: {
      ...settings,
      // The program is known by its own name first: views and the audit trail look for it.
      application_name: theirs === undefined ? own : `${own} (${theirs})`,
      ...(start !== undefined && { options: start }),
    },
  }
}

function shuffled<Each>({ parameters }: ConnectionString, hosts: readonly Each[]): readonly Each[] {
  if (parameters.get("load_balance_hosts") !== "random") return hosts
  return hosts
    .map((each) => ({ each, at: Math.random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ each }) => each)
}

function readNamed(parameter: string, path: string): string {
  try {
    return readFileSync(path, "utf8")
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    throw new UnusableConnectionString(
      `The file that ${parameter} names cannot be read (${code}): correct its path in the connection string.`,
    )
  }
}
