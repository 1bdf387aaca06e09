/**
 * The layout, in one place: the rooms of the program by floors, the lowest first. A room is a folder or a single file.
 * A file belongs to the room with the longest name that fits. A room imports only from floors below.
 */

export const floors: readonly (readonly string[])[] = [
  ["src/base"],
  ["src/events"],
  ["src/access"],
  ["src/http"],
  ["src/domain/plans"],
  ["src/domain/people"],
  ["src/domain/club"],
  ["src/domain/ledger"],
  ["src/domain/booking"],
  ["src/domain/media"],
  ["src/domain/coaching"],
  ["src/domain/closures"],
  ["src/domain/payments"],
  ["src/domain/subscriptions"],
  // The papers of all that is sold.
  ["src/domain/invoices"],
  // Counts the work of all other subjects. None of them needs its figures.
  ["src/domain/figures"],
  // Proposes what a person decides, and tells of what all other subjects have.
  ["src/domain/agents"],
  [
    "src/outbound/webhooks",
    "src/outbound/feed",
    "src/outbound/live",
    "src/outbound/messages",
    "src/outbound/calendars",
  ],
  // Subscriptions that make webhooks.
  ["src/outbound/hooks"],
  ["src/operations"],
  // Run in browsers: the live client, and the booking page. The law of browser code says what they import.
  ["src/web/live"],
  ["src/web/booking"],
  // Serves the pages: bundles their scripts, and makes their first HTML of the same functions.
  ["src/pages"],
  ["src/api"],
  // Other browser code. It takes types from below; the law of browser code names their rooms.
  ["src/web"],
  ["src/demo"],
  ["src/cli"],
  ["src/hooks"],
  // The type of a handler. The runtime and the runs know the type, and no single handler.
  ["actors/handlers/handler.ts"],
  ["actors/runtime"],
  [
    "actors/dispatch",
    "actors/runs",
    "actors/deliveries",
    "actors/live",
    "actors/messages",
    "actors/media",
    "actors/calendars",
    "actors/jobs",
  ],
  ["actors/handlers"],
  ["actors/index.ts", "actors/shadow"],
  ["src/main.ts"],
  ["test/harness"],
  ["scripts"],
  ["test"],
]

/** Rooms that have a place and no file yet. */
export const roomsToCome: readonly string[] = []

/** The differences between the layout and the files. A file without a room breaks the law of floors. */
export function layoutErrors(
  paths: readonly string[],
  names: readonly string[] = floors.flat(),
  toCome: readonly string[] = roomsToCome,
): string[] {
  return names.flatMap((name) => {
    const used = paths.some((path) => path === name || path.startsWith(`${name}/`))
    if (used && toCome.includes(name)) return [`${name} has come: take it off the list of rooms to come`]
    return used || toCome.includes(name) ? [] : [`${name} has no file: take it out of the floors`]
  })
}

export interface Room {
  readonly name: string
  readonly floor: number
}

const rooms: readonly Room[] = floors
  .flatMap((names, floor) => names.map((name) => ({ name, floor })))
  .sort((a, b) => b.name.length - a.name.length)

export function roomOf(path: string): Room | undefined {
  return rooms.find(({ name }) => path === name || path.startsWith(`${name}/`))
}
