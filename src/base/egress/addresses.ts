/**
 * Which addresses outgoing requests may reach. Public is what IANA's special-purpose registries leave over: everything
 * that is private, local, shared, reserved, documentation, multicast, or that embeds an IPv4 address to be translated
 * elsewhere (NAT64, 6to4, Teredo) is refused, unless the operator allowed its network.
 */
import ipaddr from "ipaddr.js"

export type Network = readonly [ipaddr.IPv4 | ipaddr.IPv6, number]

/** Parses networks such as "127.0.0.0/8"; a bare address is a network of one. Throws with the first that is neither. */
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
  // Global unicast is 2000::/3 (RFC 4291 and IANA); the library calls all the unassigned rest "unicast" too.
  if (ip.kind() === "ipv6") return ip.match(globalUnicast)
  return !metadataServices.has(ip.toString())
}

/** The address as text without brackets, or undefined when the host is a name. WHATWG URLs have no odd IPv4 forms left. */
export function literalOf(hostname: string): string | undefined {
  const bare = hostname.startsWith("[") ? hostname.slice(1, -1) : hostname
  return ipaddr.isValid(bare) ? bare : undefined
}

const parsed = new WeakMap<readonly string[], readonly Network[]>()
const globalUnicast = ipaddr.IPv6.parseCIDR("2000::/3")
/** Azure's, the only one of the large clouds on an address that looks public. */
const metadataServices = new Set(["168.63.129.16"])

function networkOf(text: string): Network {
  try {
    if (ipaddr.isValidCIDR(text)) return ipaddr.parseCIDR(text)
    const ip = ipaddr.parse(text)
    return [ip, ip.kind() === "ipv4" ? 32 : 128]
  } catch {
    throw new Error(`"${text}" is not a network; write it like 127.0.0.0/8 or fd00::/8.`)
  }
}
