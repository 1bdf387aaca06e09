/** The client of a request: its address, found once per request, before anything waits. */
import type { Config } from "#base/config.ts"
import { parseNetworks } from "#base/egress/addresses.ts"
import { clientAddress, shareOf } from "#base/limits/client-address.ts"

/** The part of a request's context that knows the connection. `server` is null when the request came over none. */
export interface Connected {
  readonly request: Request
  readonly server: { requestIP(request: Request): { readonly address: string } | null } | null
}

/**
 * The client's address; undefined for a request that came over no connection. It is kept with the request, because the
 * connection may close while the request waits.
 */
export function addressOfClient(
  { trustedProxies }: Pick<Config, "trustedProxies">,
  { request, server }: Connected,
): string | undefined {
  const known = addresses.get(request)
  if (known !== undefined || !server) return known
  const address = clientAddress(
    server.requestIP(request)?.address ?? unknown,
    request.headers,
    parseNetworks(trustedProxies),
  )
  addresses.set(request, address)
  return address
}

/** The share that a client uses. Requests without a connection are made by this process itself, and use one share. */
export const shareOfClient = (address: string | undefined): string => (address === undefined ? own : shareOf(address))

const addresses = new WeakMap<Request, string>()
/** The connection has closed before its address was asked for. */
const unknown = "unknown"
const own = "this process"
