/**
 * The parameters of a connection string: the values that are honoured, and for all others what to do instead.
 * `test/base/database/connection-string.test.ts` holds every name that libpq documents against this table.
 */

const honoured = {
  sslmode: oneOf("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
  ssl: oneOf("true"),
  sslnegotiation: oneOf("postgres", "direct"),
  sslrootcert: any,
  sslcert: any,
  sslkey: any,
  sslpassword: any,
  sslsni: oneOf("1"),
  sslcompression: oneOf("0"),
  sslcertmode: oneOf("allow"),
  ssl_min_protocol_version: oneOf("TLSv1.2", "TLSv1.3"),
  channel_binding: oneOf("disable", "prefer", "require"),
  gssencmode: oneOf("disable", "prefer"),
  connect_timeout: whole(0, 3_600),
  keepalives: oneOf("0", "1"),
  keepalives_idle: whole(0, 86_400),
  application_name: any,
  fallback_application_name: any,
  client_encoding: oneOf("utf8", "utf-8", "auto"),
  options: any,
  target_session_attrs: oneOf("any", "read-write", "primary"),
  load_balance_hosts: oneOf("disable", "random"),
  passfile: any,
  service: any,
  servicefile: any,
  pgbouncer: oneOf("true", "transaction", "session"),
} as const

export type Parameter = keyof typeof honoured

/** Why other values, or the whole parameter, are refused, and what to do: the end of a sentence. */
const instead: Readonly<Record<string, string>> = {
  sslcompression: "TLS is never compressed: remove it",
  sslsni: "the name of the server is always sent: remove it",
  sslcertmode: "a certificate is sent when sslcert and sslkey name it: remove it",
  gssencmode: "GSSAPI is not supported: use sslmode",
  client_encoding: "SlotBase speaks UTF8: remove it",
  target_session_attrs: "SlotBase writes: use read-write or primary",
  hostaddr: "it is not supported: write the address as the host",
  keepalives_interval: "it belongs to the operating system here: remove it, and set it there",
  keepalives_count: "it belongs to the operating system here: remove it, and set it there",
  tcp_user_timeout: "every statement has a deadline of its own: remove it",
  ssl_max_protocol_version: "the newest version is always offered: remove it",
  sslcrl: "lists of revoked certificates are not read: remove it",
  sslcrldir: "lists of revoked certificates are not read: remove it",
  sslkeylogfile: "keys of TLS are never written: remove it",
  requiressl: "it is obsolete: use sslmode=require",
  requirepeer: "it is not supported: remove it",
  require_auth: "it is not supported: remove it, and use sslmode=verify-full",
  replication: "SlotBase does not replicate: remove it",
  authtype: "it is obsolete: remove it",
  tty: "it is obsolete: remove it",
  krbsrvname: "GSSAPI is not supported: remove it",
  gsslib: "GSSAPI is not supported: remove it",
  gssdelegation: "GSSAPI is not supported: remove it",
  min_protocol_version: "the protocol is 3.0: remove it",
  max_protocol_version: "the protocol is 3.0: remove it",
  scram_client_key: "it is not supported: give the password",
  scram_server_key: "it is not supported: give the password",
  oauth_issuer: "OAuth is not supported: give a password",
  oauth_client_id: "OAuth is not supported: give a password",
  oauth_client_secret: "OAuth is not supported: give a password",
  oauth_scope: "OAuth is not supported: give a password",
  connection_limit: "it belongs to another program: remove it, and set SLOTBASE_DB_POOL",
  pool_timeout: "it belongs to another program: remove it",
  schema: "SlotBase has a schema of its own: remove it",
}

/** The refusal, as the rest of a sentence after the variable's name; undefined when the parameter is honoured. */
export function refusalOfParameter(name: string, value: string): string | undefined {
  const why = Object.hasOwn(instead, name) ? instead[name] : undefined
  const check = Object.hasOwn(honoured, name) ? honoured[name as Parameter] : undefined
  if (check === undefined)
    return `the parameter ${shown(name)} cannot be used; ${why ?? "PostgreSQL's connection strings have none of this name: remove it"}.`
  const allowed = check(value)
  return allowed === undefined ? undefined : `the parameter ${name} cannot be used so; ${why ?? `use ${allowed}`}.`
}

/** The name as it was written, within measure: it may be a part of a password. */
const shown = (name: string) => (/^\w{1,40}$/.test(name) ? name : "after the question mark")

/** Undefined: the value may be used. Otherwise the values that may. */
type Check = (value: string) => string | undefined

function any(): undefined {
  return undefined
}

function oneOf(...values: readonly string[]): Check {
  const last = values.at(-1)
  const text = values.length === 1 ? `${last}` : `${values.slice(0, -1).join(", ")} or ${last}`
  return (value) => (values.includes(value.toLowerCase()) || values.includes(value) ? undefined : text)
}

function whole(from: number, to: number): Check {
  return (value) =>
    /^\d{1,9}$/.test(value) && Number(value) >= from && Number(value) <= to
      ? undefined
      : `a whole number from ${from} to ${to}`
}
