/**
 * The connection strings of PostgreSQL, as libpq documents them: postgres://user:password@host:port/database?name=text.
 * A parameter is honoured, or refused by its name with what to do. Nothing is passed on unread: to the driver an
 * unknown parameter is a setting of the server. https://www.postgresql.org/docs/18/libpq-connect.html
 */
import { isIP } from "node:net"
import { type Parameter, refusalOfParameter } from "./connection-parameters.ts"

/** A connection string that cannot be used. The message says what to do, and quotes no value that may be secret. */
export class UnusableConnectionString extends Error {
  readonly _tag = "UnusableConnectionString"
}

export interface ConnectionString {
  /** In the order in which they are tried; empty: the default of libpq. */
  readonly hosts: readonly Host[]
  readonly user?: string
  readonly password?: string
  readonly database?: string
  /** All others, by name; each has passed its check. */
  readonly parameters: ReadonlyMap<Parameter, string>
}

export interface Host {
  /** A name, an address without brackets, or the folder of a Unix socket. */
  readonly host: string
  readonly port?: number
}

/** @param variable the environment variable that holds the text, for the refusal. */
export function parseConnectionString(text: string, variable = "DATABASE_URL"): ConnectionString {
  const [, authority = "", path = "", query = ""] =
    /^postgres(?:ql)?:\/\/([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(text) ?? unreadable(variable)
  const at = authority.lastIndexOf("@")
  const [user, password] = splitOnce(authority.slice(0, Math.max(at, 0)), ":")
  const decode = (value: string) => decoded(value, variable)
  const given = new Map<string, string>()
  for (const pair of query.split("&").filter((each) => each !== "")) {
    const [name, value] = splitOnce(pair, "=")
    given.set(decode(name), decode(value ?? ""))
  }
  const take = (name: string) => {
    const value = given.get(name)
    given.delete(name)
    return value === "" ? undefined : value
  }
  const [hostInQuery, portInQuery, databaseInQuery] = [take("host"), take("port"), take("dbname")]
  const [userInQuery, passwordInQuery] = [take("user"), take("password")]
  const written = authority.slice(at + 1)
  const hosts =
    hostInQuery === undefined
      ? hostsIn(written, portInQuery, variable)
      : hostInQuery.split(",").map((host, nth) => hostOf(host, portAt(portInQuery, nth), variable))
  if (new Set(hosts.map(({ host }) => isSocket(host))).size > 1)
    throw new UnusableConnectionString(`${variable} names a socket beside another host: name one of the two.`)
  if (hosts.length > 1 && hosts.some(({ host }) => isSocket(host)))
    throw new UnusableConnectionString(`${variable} names several sockets: name one.`)
  for (const [name, value] of given) {
    const refusal = refusalOfParameter(name, value)
    if (refusal !== undefined) throw new UnusableConnectionString(`${variable}: ${refusal}`)
  }
  return {
    hosts,
    ...optional("user", userInQuery ?? decode(user)),
    ...optional("password", passwordInQuery ?? decode(password ?? "")),
    ...optional("database", databaseInQuery ?? decode(path)),
    parameters: given as ReadonlyMap<Parameter, string>,
  }
}

export const isSocket = (host: string) => host.startsWith("/")

/** Where it leads, without user and password, for a sentence: "slotbase on db.example.com:5432". */
export function databasePlace({ hosts, database }: ConnectionString): string {
  const where = hosts.map(({ host, port }) => {
    if (isSocket(host)) return `the socket in ${host}`
    return `${isIP(host) === 6 ? `[${host}]` : host}${port === undefined ? "" : `:${port}`}`
  })
  return `${database ?? "of DATABASE_URL"}${where.length === 0 ? "" : ` on ${where.join(", ")}`}`
}

/** Adds a parameter to a connection string, in place of one of the same name. */
export function withParameter(text: string, name: Parameter, value: string): string {
  const [base, query = ""] = splitOnce(text, "?")
  const others = query.split("&").filter((pair) => pair !== "" && !pair.startsWith(`${name}=`))
  return `${base}?${[...others, `${name}=${encodeURIComponent(value)}`].join("&")}`
}

/** host:port,host:port of the authority; a host may be percent-encoded, an IPv6 address stands in brackets. */
function hostsIn(written: string, portInQuery: string | undefined, variable: string): Host[] {
  if (written === "") return []
  return written.split(",").map((each, nth) => {
    const parts = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(each) ?? unreadable(variable)
    return hostOf(decoded(parts[1] ?? "", variable), parts[2] || portAt(portInQuery, nth), variable)
  })
}

function hostOf(host: string, port: string | undefined, variable: string): Host {
  const bare = host.replace(/^\[(.*)\]$/, "$1") || "localhost"
  if (port === undefined || port === "") return { host: bare }
  const number = Number(port)
  if (!/^\d+$/.test(port) || number < 1 || number > 65_535) unreadable(variable)
  return { host: bare, port: number }
}

/** One port for all hosts, or one for each. */
function portAt(ports: string | undefined, nth: number): string | undefined {
  const all = ports?.split(",")
  return all?.length === 1 ? all[0] : all?.[nth]
}

function splitOnce(text: string, at: string): [string, string?] {
  const place = text.indexOf(at)
  return place === -1 ? [text] : [text.slice(0, place), text.slice(place + at.length)]
}

function decoded(value: string, variable: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return unreadable(variable)
  }
}

const optional = <Name extends string>(name: Name, value: string): { [name in Name]?: string } =>
  (value === "" ? {} : { [name]: value }) as { [name in Name]?: string }

function unreadable(variable: string): never {
  throw new UnusableConnectionString(
    `${variable} cannot be read: write it like postgres://user:password@host:5432/slotbase, with every special character of the password percent-encoded.`,
  )
}
