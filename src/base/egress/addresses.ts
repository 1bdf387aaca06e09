/**
 * Which addresses outgoing requests may reach: public ones, and networks that the operator allowed.
 * An address is public if IANA's special-purpose registries do not list it. Refused are:
 * - private, local, shared, reserved, documentation and multicast addresses,
 * - addresses that embed an IPv4 address for translation elsewhere (NAT64, 6to4, Teredo).
 */
import { isIP } from "node:net"
import ipaddr from "ipaddr.js"

export type Network = readonly [ipaddr.IPv4 | ipaddr.IPv6, number]

/**
 * Parses networks such as "127.0.0.0/8"; a bare address is a network of one. Throws for the first text that is neither.
 */
export function parseNetworks(list: readonly string[]): readonly Network[] {
  const known = parsed.get(list)
  if (known) return known
  const networks = list.map(networkOf)
  parsed.set(list, networks)
  return networks
}

/** Whether the address, in any text form that `ipaddr.js` reads, is inside one of the networks. */
export function isInside(address: string, networks: readonly Network[]): boolean {
  const ip = ipaddr.process(address)
  return networks.some(([network, bits]) => network.kind() === ip.kind() && ip.match([network, bits] as never))
}

export function isPublic(address: string): boolean {
  const ip = ipaddr.process(address)
  if (ip.range() !== "unicast") return false
  // Global unicast is 2000::/3 (RFC 4291 and IANA). The library also calls all the unassigned rest "unicast".
  if (ip.kind() === "ipv6") return ip.match(globalUnicast)
  return !metadataServices.has(ip.toString())
}

/**
 * The address as text without brackets, or undefined when the host is a name. WHATWG URLs have normalized odd IPv4
 * forms.
 */
export function literalOf(hostname: string): string | undefined {
  const bare = hostname.startsWith("[") ? hostname.slice(1, -1) : hostname
  return ipaddr.isValid(bare) ? bare : undefined
}

const parsed = new WeakMap<readonly string[], readonly Network[]>()
const globalUnicast = ipaddr.IPv6.parseCIDR("2000::/3")
/** Azure's service, the only one of the large clouds on an address that looks public. */
const metadataServices = new Set(["168.63.129.16"])

function networkOf(text: string): Network {
  try {
    // ipaddr.js also reads short and octal forms: it takes "127.0.0" for 127.0.0.0 alone.
    if (isIP(text.replace(/\/\d+$/, "")) === 0) throw new Error("no address in full")
    if (ipaddr.isValidCIDR(text)) return ipaddr.parseCIDR(text)
    const ip = ipaddr.parse(text)
    return [ip, ip.kind() === "ipv4" ? 32 : 128]
  } catch {
    throw new Error(`"${text}" is not a network; write it like 127.0.0.0/8 or fd00::/8.`)
  }
}
