/**
 * The day that is shown, kept true: read once, then changed by the events of the live channel. While the channel is not
 * open, or not for this reader, the day is asked for again and again; an unchanged day costs a 304.
 */
import { connectLive, type LiveConnection, type LiveEvent } from "#web/live/client.ts"
import type { Api } from "./api.ts"
import { Away, Refused } from "./api.ts"
import { type ShownDay, type ShownSlot, withSlots } from "./day.ts"

export interface Heard {
  /** A day was read or changed. `changes` names the cells that others changed. */
  readonly onDay: (day: ShownDay, changes: readonly CellChange[]) => void
  /** The server is away, or back. */
  readonly onReach: (isThere: boolean) => void
  /** The day may not be seen. */
  readonly onHidden: () => void
  /** Something of the person has changed: bookings, messages. */
  readonly onOwn: () => void
}

export interface CellChange {
  readonly resourceId: string
  readonly court: string
  readonly slot: ShownSlot
}

export class Follower {
  #live: LiveConnection | undefined
  #day: ShownDay | undefined
  #tag: string | undefined
  #date: string
  #asked = 0
  /** The latest read without an answer. */
  #failed = 0
  #awayTimer: ReturnType<typeof setTimeout> | undefined
  #poll: ReturnType<typeof setInterval> | undefined
  #wasAway = false
  /** Reads under way, and the events that came meanwhile: the answer of a read may be older than they are. */
  #reads = 0
  #meanwhile: LiveEvent[] = []

  constructor(
    private readonly api: Api,
    private readonly place: { readonly facilityId: string; readonly court: string | null },
    private readonly heard: Heard,
    first: { readonly date: string; readonly day: ShownDay | null },
  ) {
    this.#date = first.date
    if (first.day !== null) this.#day = first.day
    document.addEventListener("visibilitychange", this.#looked)
    // A socket learns of a lost network only by silence.
    for (const event of ["offline", "online"]) addEventListener(event, this.#looked)
  }

  /** Connects anew, as the person who is signed in now. */
  connect(userId: string | undefined): void {
    this.#live?.close()
    clearInterval(this.#poll)
    // Spread, so that a thousand pages don't ask in the same moment after a restart.
    const every = pollMs * (0.8 + Math.random() * 0.4)
    this.#poll = setInterval(() => {
      const isFollowed = this.#live?.state === "live" && this.#awayTimer === undefined
      if (!isFollowed && !document.hidden) void this.read()
    }, every)
    const live = connectLive({
      token: () => this.api.token,
      onState: (state, { reason, code }) => {
        // After a silence a question would wait just as long: the page takes the server as away, until it answers.
        if (reason === "silence") this.#reached(false, this.#asked)
        // A read says whether the server is away. A refused channel is no absence.
        if (state === "live" || state === "waiting") void this.read()
        if (state === "ended" && code === accessWithdrawn) this.#goOnWithout(live)
      },
    })
    this.#live = live
    live.subscribe(`facility:${this.place.facilityId}:availability`, {
      snapshot: async () => placeOf(await this.read(true)),
      onEvent: (event) => this.#changed(event),
      // Without the channel the poll keeps the day true.
      onRefused: () => live.close(),
    })
    if (userId === undefined) return
    for (const channel of ["bookings", "notifications"])
      live.subscribe(`user:${userId}:${channel}`, {
        snapshot: async (why) => {
          if (why === "resync") this.heard.onOwn()
          return this.#day && placeOf(this.#day)
        },
        onEvent: () => this.heard.onOwn(),
        onRefused: () => {},
      })
  }

  /** Shows another day. */
  async show(date: string): Promise<void> {
    this.#date = date
    this.#tag = undefined
    await this.read().catch(() => {})
  }

  /** Reads the day. @param mustTell throws when the day can't be read */
  async read(mustTell = false): Promise<ShownDay> {
    const [date, mine, token] = [this.#date, ++this.#asked, this.api.token]
    this.#reads++
    try {
      const query = `date=${date}${this.place.court === null ? "" : `&resourceId=${this.place.court}`}`
      const day = await this.#readPages(query, date)
      if (mine === this.#asked) this.#take(day)
      this.#reached(true, mine)
      return day
    } catch (error) {
      if (error instanceof Away) this.#reached(false, mine)
      // A session that has ended hides nothing: the day is read anew as nobody.
      const hasEnded = error instanceof Refused && error.status === 401 && token !== undefined
      if (error instanceof Refused && !hasEnded && [401, 403, 404].includes(error.status) && mine === this.#asked) {
        this.#day = undefined
        this.heard.onHidden()
      }
      if (mustTell) throw error
      return this.#day ?? { date, position: "0", epoch: "", resources: [] }
    } finally {
      if (--this.#reads === 0) this.#meanwhile = []
    }
  }

  close(): void {
    this.#live?.close()
    this.#live = undefined
    clearInterval(this.#poll)
    clearTimeout(this.#awayTimer)
    document.removeEventListener("visibilitychange", this.#looked)
    for (const event of ["offline", "online"]) removeEventListener(event, this.#looked)
  }

  readonly #looked = () => {
    if (!document.hidden) void this.read()
  }

  async #readPages(query: string, date: string): Promise<ShownDay> {
    const known = this.#day?.date === date ? this.#tag : undefined
    const first = await this.api.getTagged<ShownDay & { next: string | null }>(`…/availability?${query}`, known)
    if (first === undefined) return this.#day as ShownDay
    let { next } = first.body
    const resources = [...first.body.resources]
    while (next !== null) {
      const more = await this.api.get<ShownDay & { next: string | null }>(
        `…/availability?${query}&after=${encodeURIComponent(next)}`,
      )
      resources.push(...more.resources)
      next = more.next
    }
    // Each page has its own tag, so a day of several pages is read whole each time.
    this.#tag = first.body.next === null ? first.tag : undefined
    return { date, position: first.body.position, epoch: first.body.epoch, resources }
  }

  /** A right has ended. Others may be left: the day may be for everybody. A refusal then ends the channel alone. */
  #goOnWithout(live: LiveConnection): void {
    void this.read()
    setTimeout(() => this.#live === live && live.reconnect(), Math.random() * 1_000)
  }

  #take(read: ShownDay): void {
    const before = this.#day
    let day = read
    for (const event of this.#meanwhile) day = withEvent(day, event) ?? day
    this.#day = day
    if (before === day) return
    this.heard.onDay(day, before?.date === day.date ? changesBetween(before, day) : [])
  }

  #changed(event: LiveEvent): void {
    if (this.#reads > 0) this.#meanwhile.push(event)
    const { resourceId, date } = event.payload as unknown as SlotsOfDay
    const day = this.#day
    if (day === undefined || day.date !== date) return
    if (this.place.court !== null && this.place.court !== resourceId) return
    // A court that was added meanwhile.
    if (!day.resources.some((court) => court.resourceId === resourceId)) return void this.read()
    const changed = withEvent(day, event)
    if (changed === undefined) return
    this.#tag = undefined
    this.#day = changed
    this.heard.onDay(changed, changesBetween(day, changed))
  }

  /** A short absence is not worth a word. An answer to an earlier question than the failed one says nothing of it. */
  #reached(isThere: boolean, read: number): void {
    if (!isThere) this.#failed = Math.max(this.#failed, read)
    if (isThere) {
      if (read < this.#failed) return
      clearTimeout(this.#awayTimer)
      this.#awayTimer = undefined
      if (this.#wasAway) {
        this.#wasAway = false
        this.heard.onReach(true)
        // Holds that lapsed meanwhile have no event yet.
        void this.read()
        this.heard.onOwn()
      }
    } else
      this.#awayTimer ??= setTimeout(() => {
        this.#wasAway = true
        this.heard.onReach(false)
      }, patienceMs)
  }
}

const placeOf = ({ position, epoch }: ShownDay) => (epoch === "" ? undefined : { position, epoch })

/** How long the server may be away before the page says so. */
const patienceMs = 1_200
const pollMs = 5_000
/** The close code. */
const accessWithdrawn = 4403

interface SlotsOfDay {
  readonly resourceId: string
  readonly date: string
  readonly slots: readonly ShownSlot[]
}

/** The day after the event; undefined: the event is of another day, or the day knows it already. */
function withEvent(day: ShownDay, { payload, position, epoch }: LiveEvent): ShownDay | undefined {
  const { resourceId, date, slots } = payload as unknown as SlotsOfDay
  // Another log: the client reads the day anew.
  if (epoch !== undefined && epoch !== day.epoch) return undefined
  if (date !== day.date || BigInt(position) <= BigInt(day.position)) return undefined
  return { ...withSlots(day, resourceId, slots), position }
}

/** The cells whose status differs. */
function changesBetween(before: ShownDay, after: ShownDay): readonly CellChange[] {
  const known = new Map(
    before.resources.flatMap(({ resourceId, slots }) =>
      slots.map(({ startAt, status }) => [`${resourceId} ${startAt}`, status] as const),
    ),
  )
  return after.resources.flatMap(({ resourceId, name, slots }) =>
    slots
      .filter(({ startAt, status }) => {
        const was = known.get(`${resourceId} ${startAt}`)
        return was !== undefined && was !== status
      })
      .map((slot) => ({ resourceId, court: name, slot })),
  )
}
