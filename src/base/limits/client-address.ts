/**
 * The address of a client: the other end of the connection. When that is a proxy that the operator trusts, it is the
 * rightmost address in X-Forwarded-For that is none of these proxies. The headers of anybody else are not believed.
 */
import ipaddr from "ipaddr.js"
import { isInside, type Network } from "#base/egress/addresses.ts"

/** @param socket The other end of the connection, as the runtime names it. */
export function clientAddress(socket: string, headers: Headers, trusted: readonly Network[]): string {
  let address = plain(socket) ?? socket
  if (trusted.length === 0) return address
  const hops = headers.get("x-forwarded-for")?.split(",") ?? []
  while (isTrusted(address, trusted)) {
    const hop = hops.pop()
    if (hop === undefined) return address
    const before = addressOfHop(hop)
    // A proxy that writes no address hides its client. The proxy itself is then all that is known.
    if (before === undefined) return address
    address = before
  }
  return address
}

/**
 * Whose share a request uses: an IPv4 address, or a network of 64 bits of IPv6. One household has a whole such network,
 * and can use any address of it.
 */
export function shareOf(address: string): string {
  if (!address.includes(":")) return address
  const known = shares.get(address)
  if (known !== undefined) return known
  const share = ipaddr.IPv6.isValid(address) ? networkOf(ipaddr.IPv6.parse(address)) : address
  if (shares.size >= maxShares) shares.clear()
  shares.set(address, share)
  return share
}

const networkOf = (ip: ipaddr.IPv6) =>
  `${ip.parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(":")}::/64`

/** Parsing takes microseconds, and a client sends many requests. */
const shares = new Map<string, string>()
const maxShares = 10_000

const isTrusted = (address: string, trusted: readonly Network[]) =>
  ipaddr.isValid(address) && isInside(address, trusted)

/** Such as "203.0.113.7", "203.0.113.7:4711", "2001:db8::7" and "[2001:db8::7]:4711". */
function addressOfHop(hop: string): string | undefined {
  const text = hop.trim()
  const [, bracketed] = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text) ?? []
  const [, withPort] = /^(\d+\.\d+\.\d+\.\d+):\d{1,5}$/.exec(text) ?? []
  return plain(bracketed ?? withPort ?? text)
}

/** The usual form of an address: an IPv4 address that is written as IPv6 is IPv4. Undefined: not an address. */
function plain(text: string): string | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return text
  if (!ipaddr.IPv6.isValid(text)) return undefined
  const [bare = ""] = text.split("%")
  return ipaddr.process(bare).toString()
}
