/** The two files that a connection string of libpq may lean on: the password file, and the file of services. */
import { readFileSync } from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"
import type { Parameter } from "./connection-parameters.ts"
import { refusalOfParameter } from "./connection-parameters.ts"
import { type ConnectionString, type Host, isSocket, UnusableConnectionString } from "./connection-string.ts"

interface Wanted {
  readonly hosts: readonly Host[]
  readonly port: number
  readonly user: string
  readonly database: string
  readonly parameters: ConnectionString["parameters"]
  readonly env: NodeJS.ProcessEnv
}

/** https://www.postgresql.org/docs/18/libpq-pgpass.html. A named file must be there; the usual one need not. */
export function passwordIn({ hosts, port, user, database, parameters, env }: Wanted): string | undefined {
  const named = parameters.get("passfile") ?? env.PGPASSFILE
  const text = readOptional(
    named ?? join(env.HOME ?? homedir(), ".pgpass"),
    named === undefined ? undefined : "passfile",
  )
  const [first] = hosts
  if (text === undefined || first === undefined) return undefined
  const host = isSocket(first.host) ? "localhost" : first.host
  const asked = [host, String(first.port ?? port), database, user]
  for (const line of text.split(/\r?\n/)) {
    if (line === "" || line.startsWith("#")) continue
    const fields = fieldsOf(line)
    if (fields.length >= 5 && asked.every((each, nth) => fields[nth] === "*" || fields[nth] === each)) return fields[4]
  }
  return undefined
}

/** Fields are parted by colons; a backslash makes a colon or a backslash part of a field. */
function fieldsOf(line: string): string[] {
  const fields: string[] = []
  let field = ""
  for (let at = 0; at < line.length; at++) {
    const sign = line[at] ?? ""
    if (sign === "\\" && at + 1 < line.length) field += line[++at]
    else if (sign === ":" && fields.length < 4) {
      fields.push(field)
      field = ""
    } else field += sign
  }
  return [...fields, field]
}

/** Fills what the connection string leaves open from its service. */
export function withService(given: ConnectionString, env: NodeJS.ProcessEnv): ConnectionString {
  const name = given.parameters.get("service")
  if (name === undefined) return given
  const path =
    given.parameters.get("servicefile") ?? env.PGSERVICEFILE ?? join(env.HOME ?? homedir(), ".pg_service.conf")
  const of = sectionOf(readOptional(path, "service") ?? "", name)
  if (of === undefined)
    throw new UnusableConnectionString(
      `The service ${name} is not in ${path}: add it, or correct the connection string.`,
    )
  const { host, port, user, password, dbname, ...others } = Object.fromEntries(of)
  const parameters = new Map<Parameter, string>()
  for (const [parameter, value] of Object.entries(others)) {
    const refusal = refusalOfParameter(parameter, value)
    if (refusal !== undefined) throw new UnusableConnectionString(`The service ${name}: ${refusal}`)
    parameters.set(parameter as Parameter, value)
  }
  for (const [parameter, value] of given.parameters) parameters.set(parameter, value)
  const number = Number(port)
  const own = host === undefined ? [] : [{ host, ...(port !== undefined && { port: number }) }]
  return {
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password }),
    ...(dbname !== undefined && { database: dbname }),
    ...given,
    hosts: given.hosts.length > 0 ? given.hosts : own,
    parameters,
  }
}

function sectionOf(text: string, name: string): Map<string, string> | undefined {
  let found: Map<string, string> | undefined
  let inside = false
  for (const line of text.split(/\r?\n/).map((each) => each.trim())) {
    if (line === "" || line.startsWith("#")) continue
    if (line.startsWith("[")) {
      inside = line === `[${name}]` && found === undefined
      if (inside) found = new Map()
      continue
    }
    const at = line.indexOf("=")
    if (inside && at > 0) found?.set(line.slice(0, at).trim(), line.slice(at + 1).trim())
  }
  return found
}

/** @param parameter the one that named the file; undefined: a missing file is no fault. */
function readOptional(path: string, parameter: string | undefined): string | undefined {
  try {
    return readFileSync(path, "utf8")
  } catch (error) {
    if (parameter === undefined) return undefined
    const code = (error as NodeJS.ErrnoException).code
    throw new UnusableConnectionString(`The file ${path} of the parameter ${parameter} cannot be read (${code}).`)
  }
}
