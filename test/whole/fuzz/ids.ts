// The ids known while requests are sent: the ids at the start, and the ids in answers.

import { newId } from "#base/ids.ts"
import { IdOf } from "#test/harness/openapi/values.ts"

export class Ids {
  readonly #known = new Map<string, string[]>()
  readonly #all: string[] = []

  /** Adds an id under each of these names. */
  add(id: string, ...names: string[]): void {
    this.#all.push(id)
    for (const name of names) this.#known.set(name, [...(this.#known.get(name) ?? []), id])
  }

  /** Remembers the id of a thing that was created below an address such as "/v1/facilities/…/bookings". */
  learn(path: string, body: unknown): void {
    const id = (body as { id?: unknown } | undefined)?.id
    const things = path.split("/").filter((part) => part !== "" && !/^[0-9a-f-]{36}$|^v1$/.test(part))
    const thing = things.at(-1) ?? ""
    if (typeof id === "string") this.add(id, thing, `${singular(thing)}Id`)
  }

  /** Mostly an id with the reference's name; seldom another known id, or an unknown one. */
  pick({ name, nth }: IdOf): string {
    const named = this.#known.get(name) ?? this.#known.get(synonyms[name] ?? "") ?? this.#all
    if (nth === 20) return newId()
    if (nth === 19) return this.#all.at((nth * 7919) % this.#all.length) ?? newId()
    return named.at(-1 - (nth % Math.min(named.length, 5))) ?? newId()
  }

  /** Replaces the references in a value with ids. */
  fill(value: unknown): unknown {
    if (value instanceof IdOf) return this.pick(value)
    if (typeof value === "string") {
      const [, name, nth] = /^ref:(.*):(\d+)$/.exec(value) ?? []
      return name === undefined ? value : this.pick(new IdOf(name, Number(nth)))
    }
    if (Array.isArray(value)) return value.map((item) => this.fill(item))
    if (typeof value !== "object" || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, this.fill(inner)]))
  }
}

const singular = (things: string) =>
  things
    .replace(/ies$/, "y")
    .replace(/s$/, "")
    .replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())

const synonyms: Readonly<Record<string, string>> = {
  bookerId: "userId",
  playerId: "userId",
  studentId: "userId",
  coachId: "userId",
  childId: "userId",
  payerId: "userId",
  ownerId: "userId",
  claimedBy: "userId",
  scopeId: "facilityId",
  facilityIds: "facilityId",
  resourceIds: "resourceId",
  holds: "bookings",
}
