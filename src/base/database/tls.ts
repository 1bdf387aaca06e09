/** TLS as the connection string asks for it, in the driver's terms. */
import { isIP } from "node:net"
import type { ConnectionOptions } from "node:tls"
import type { ConnectionString, Host } from "./connection-string.ts"

/** false: never; "prefer": when the server offers it, unverified; "require": always, unverified. */
export type Tls = false | "prefer" | "require" | ConnectionOptions

/**
 * As libpq decides, with two exceptions. `allow` is `prefer`. Without `sslrootcert`, `verify-ca` and `verify-full`
 * trust the authorities of the runtime, where libpq wants a file.
 */
export function tlsOf(
  parameters: ConnectionString["parameters"],
  hosts: readonly Host[],
  read: (parameter: string, path: string) => string,
): Tls {
  const root = parameters.get("sslrootcert")
  const mode = modeOf(parameters, hosts)
  if (mode === "disable") return false
  const [cert, key] = [parameters.get("sslcert"), parameters.get("sslkey")]
  const passphrase = parameters.get("sslpassword")
  const own: ConnectionOptions = {
    ...(cert && { cert: read("sslcert", cert) }),
    ...(key && { key: read("sslkey", key) }),
    ...(passphrase && { passphrase }),
    ...minVersionOf(parameters.get("ssl_min_protocol_version")),
  }
  const ca = root === undefined || root === "system" ? {} : { ca: read("sslrootcert", root) }
  if (mode === "verify-full") return { ...own, ...ca, rejectUnauthorized: true }
  if (mode === "verify-ca" || (mode === "require" && "ca" in ca))
    return { ...own, ...ca, rejectUnauthorized: true, checkServerIdentity: () => undefined }
  if (Object.keys(own).length > 0) return { ...own, rejectUnauthorized: false }
  return mode === "require" ? "require" : "prefer"
}

function modeOf(parameters: ConnectionString["parameters"], hosts: readonly Host[]): string {
  const mode = parameters.get("sslmode")
  if (parameters.get("sslrootcert") === "system") return "verify-full"
  // Bytes of a channel exist only where there is TLS.
  const bound = parameters.get("channel_binding") === "require"
  if (mode === undefined && (parameters.get("ssl") === "true" || bound)) return "require"
  if (mode === undefined && hosts.every(({ host }) => isThisMachine(host))) return "disable"
  return mode ?? "prefer"
}

const isThisMachine = (host: string) =>
  host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."))

function minVersionOf(version: string | undefined): Pick<ConnectionOptions, "minVersion"> {
  return version === "TLSv1.2" || version === "TLSv1.3" ? { minVersion: version } : {}
}
