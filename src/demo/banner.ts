/** The lines after the start: the address, the root key (once), a first request to paste, and the way to the tables. */
import { clock } from "#base/clock.ts"
import type { Config } from "#base/config.ts"
import type { DemoClub } from "./seed.ts"

export interface Started {
  readonly config: Config
  readonly address: string
  readonly embedded: boolean
  /** Just generated, and shown only this time. */
  readonly rootKey: string | undefined
  readonly demo: DemoClub | undefined
  readonly mailbox: string | undefined
}

export function banner({ config, address, embedded, rootKey, demo, mailbox }: Started): string {
  const bun = Bun.which("bun") === null ? ".bun/node_modules/.bin/bun" : "bun"
  const key = rootKey ?? config.rootKey
  const lines = [
    "",
    `  SlotBase is ready (${config.role}).`,
    "",
    ...(config.role === "actors" ? [] : addressLines(address, mailbox)),
    `  Tables     psql "$(${bun} run slotbase url)"        schema slotbase${embedded ? ", embedded PostgreSQL 18" : ""}`,
    `  Health     ${address}/readyz        ${bun} run slotbase doctor`,
  ]
  if (rootKey)
    lines.push(
      "",
      `  Root key   ${rootKey}`,
      "             Shown this once: keep it. It is the platform administrator's API key.",
    )
  return [...lines, ...demoLines(demo, address, key), ""].join("\n")
}

/** The addresses that only a server answers; a process of actors answers only health and metrics. */
function addressLines(address: string, mailbox: string | undefined): string[] {
  return [
    `  API        ${address}/v1        described at ${address}/openapi`,
    `  Live       ${address.replace("http", "ws")}/v1/live`,
    ...(mailbox ? [`  Mail       ${mailbox}`] : []),
  ]
}

function demoLines(demo: DemoClub | undefined, address: string, key: string | undefined): string[] {
  if (!demo) return []
  const tomorrow = new Date(Math.ceil(clock.now() / dayMs) * dayMs)
  const at = (hour: number) => new Date(tomorrow.getTime() + hour * hourMs).toISOString()
  const body = JSON.stringify({
    resourceId: demo.resources[0]?.id,
    bookerId: demo.people.find(({ role }) => role === "player")?.id,
    paymentMethod: "offline",
    startAt: at(10),
    endAt: at(11),
  })
  return [
    "",
    `  A demo club was made: ${demo.name}, ${demo.facilityId}. Everybody's password is ${demo.password}`,
    ...demo.people.map(({ role, email, name }) => `             ${role.padEnd(16)} ${email.padEnd(28)} ${name}`),
    "",
    "  Book a court:",
    "",
    `export SLOTBASE=${address} KEY=${key ?? "<root key>"} CLUB=${demo.facilityId}`,
    `curl -s "$SLOTBASE/v1/facilities/$CLUB/bookings" -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' -d '${body}'`,
  ]
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs
