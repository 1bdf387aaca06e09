/**
 * The lines after the start: the addresses, the root key (once), the clubs, a first booking to paste, the way to the
 * tables. `slotbase links` prints the same later, with instants and a mailbox key of that moment. What is said here is
 * for the people who start the program. Lines for operators go to the log (src/base/log.ts).
 */
import type { Config } from "#base/config.ts"
import type { FirstClub } from "./first-club.ts"
import type { DemoClub } from "./seed.ts"

export interface Started extends Links {
  readonly demo: DemoClub | undefined
}

export interface Links {
  readonly config: Pick<Config, "role">
  readonly address: string
  readonly embedded: boolean
  /** Just generated, and shown only this time. */
  readonly rootKey: string | undefined
  readonly mailbox: string | undefined
  readonly phone: string | undefined
  readonly first: FirstClub
}

export const say = (text: string): void => console.log(text)
/** Says why the program does not start, or what it ignores. An unexpected error is shown with its stack. */
export const complain = (what: unknown): void => console.error(what)

export const banner = (started: Started): string =>
  ["", `  SlotBase is ready (${started.config.role}).`, "", ...linkLines(started, demoLines(started.demo)), ""].join(
    "\n",
  )

/** @param after Lines between the clubs and the request to paste. */
export function linkLines(links: Links, after: readonly string[] = []): string[] {
  const { config, address, embedded } = links
  const isServer = config.role !== "actors"
  return [
    ...(isServer ? addressLines(links) : []),
    `  Tables     psql "$(./scripts/slotbase url)"        schema slotbase${embedded ? ", embedded PostgreSQL 18" : ""}`,
    `  Health     ${address}/readyz        ./scripts/slotbase doctor`,
    "",
    ...keyLines(links),
    ...(isServer ? [...clubLines(links), ...after, ...requestLines(links)] : []),
  ]
}

/** The addresses that only a server answers; a process of actors answers only health and metrics. */
function addressLines({ address, mailbox, phone }: Links): string[] {
  return [
    `  API        ${address}/v1        described at ${address}/openapi`,
    `  Live       ${address.replace("http", "ws")}/v1/live`,
    ...(mailbox ? [`  Mail       ${mailbox}`] : []),
    ...(phone ? [`  Texts      ${phone}`] : []),
  ]
}

function keyLines({ rootKey, first: { keyHint } }: Links): string[] {
  if (rootKey)
    return [
      `  Root key   ${rootKey}`,
      "             Shown this once: keep it. It is the platform administrator's API key.",
    ]
  return keyHint === configuredKey
    ? [`  Root key   the one that ${configuredKey} was set to`]
    : [
        `  Root key   ${keyHint}…        shown whole at the first start only`,
        `             If it is lost, start once with ${configuredKey} set to a new one.`,
      ]
}

const configuredKey = "SLOTBASE_ROOT_KEY"

function clubLines({ address, first: { clubs, furtherClubs, court, member } }: Links): string[] {
  return [
    ...clubs.map(({ id, name }, nth) => `  ${nth === 0 ? "Clubs   " : "        "}   ${id}  ${name}`),
    ...(furtherClubs > 0 ? [`             and ${furtherClubs} more: GET /v1/facilities`] : []),
    ...(clubs[0] ? [`  Booking    ${address}/f/${clubs[0].id}        the booking page of the first club`] : []),
    ...(court ? [`  A court    ${court.id}  ${court.name}`] : []),
    ...(member ? [`  A member   ${member.id}  ${member.name}, ${member.email}`] : []),
  ]
}

function demoLines(demo: DemoClub | undefined): string[] {
  if (!demo) return []
  return [
    "",
    `  The demo club ${demo.name} was made. Everybody's password is ${demo.password}`,
    ...demo.people.map(({ role, email, name }) => `             ${role.padEnd(16)} ${email.padEnd(28)} ${name}`),
  ]
}

function requestLines({ address, rootKey, first: { clubs, court, member, hour } }: Links): string[] {
  const [club] = clubs
  if (!club || !court || !member) return []
  const day = hour.toISOString().slice(0, 10)
  // The shell says so itself when KEY has no value yet.
  const key = rootKey ?? `"\${KEY:?is not set: set it to the root key}"`
  const body = JSON.stringify({
    resourceId: court.id,
    bookerId: member.id,
    paymentMethod: "offline",
    startAt: hour.toISOString(),
    endAt: new Date(hour.getTime() + hourMs).toISOString(),
  })
  return [
    "",
    "  Book a court, in another shell:",
    "",
    `export SLOTBASE=${address} KEY=${key} CLUB=${club.id} COURT=${court.id} MEMBER=${member.id} DAY=${day}`,
    `curl -s "$SLOTBASE/v1/facilities/$CLUB/bookings" -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' -d '${body}'`,
  ]
}

const hourMs = 3_600_000
