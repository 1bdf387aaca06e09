/**
 * How many bytes of a connection the other side's kernel has not acknowledged, by Linux's table of connections. No
 * portable call tells that, and Bun shows no TCP_INFO. A table is read when a request has stayed silent, never before.
 */
import { readFile } from "node:fs/promises"
import ipaddr from "ipaddr.js"

/** A connection of this process, as its kernel names it. */
export interface TcpConnection {
  readonly localPort: number
  readonly address: string
  readonly port: number
}

/** Undefined where the kernel has no such table (macOS), or no such connection that is established. */
export async function unacknowledgedBytes(of: TcpConnection, folder = "/proc/self/net"): Promise<number | undefined> {
  const table = await tableOf(`${folder}/${ipaddr.IPv4.isValid(of.address) ? "tcp" : "tcp6"}`)
  return table === undefined ? undefined : queuedBytes(table, of)
}

/** The column tx_queue: everything that was handed to the kernel and is not acknowledged. */
export function queuedBytes(table: string, { localPort, address, port }: TcpConnection): number | undefined {
  const established = `:${hexOf(localPort)} ${kernelText(address)}:${hexOf(port)} 01 `
  const at = table.indexOf(established)
  return at === -1 ? undefined : Number.parseInt(table.slice(at + established.length).slice(0, 8), 16)
}

/** Many requests become silent at once, and a table of thousands of connections takes the kernel milliseconds. */
const reading = new Map<string, Promise<string | undefined>>()

function tableOf(file: string): Promise<string | undefined> {
  const known = reading.get(file)
  if (known) return known
  const table = readFile(file, "latin1")
    .catch(() => undefined)
    .finally(() => reading.delete(file))
  reading.set(file, table)
  return table
}

const hexOf = (port: number) => port.toString(16).toUpperCase().padStart(4, "0")

/** Words of four bytes in the order of the machine, as hexadecimal digits. */
function kernelText(address: string): string {
  const words = new Uint32Array(Uint8Array.from(ipaddr.parse(address).toByteArray()).buffer)
  return [...words].map((word) => word.toString(16).toUpperCase().padStart(8, "0")).join("")
}
