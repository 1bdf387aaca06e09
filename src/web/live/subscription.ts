/**
 * A channel that is followed: its place in the log, and its snapshot. It tells every event once, in order, and none
 * that the snapshot has already.
 */
import { isAfter, isSameLog, livePlaceOf } from "./place.ts"
import type { LiveChanges, LiveEvent, LivePlace, ServerFrame } from "./types.ts"

type Join = (one: Followed) => void

export class Followed {
  /** The follower knows everything up to here. */
  place: LivePlace | undefined
  readonly channel: string
  readonly #changes: LiveChanges
  readonly #refused: () => void
  #joined = false
  #ended = false
  /** Events that came while a snapshot is read. */
  #waiting: LiveEvent[] | undefined
  /** More came than is kept: the snapshot must be read once more. */
  #overflowed = false
  #snapshots = 0

  constructor(channel: string, changes: LiveChanges, refused: () => void) {
    this.channel = channel
    this.place = livePlaceOf(changes.after)
    this.#changes = changes
    this.#refused = refused
  }

  /** Whether the channel can be joined: not before the first snapshot says from where. */
  get isPlaced(): boolean {
    return this.place !== undefined || this.#waiting === undefined
  }

  begin(join: Join): void {
    if (this.place === undefined && this.#changes.snapshot) void this.#read("start", join)
    else join(this)
  }

  connected(join: Join): void {
    if (this.isPlaced) join(this)
  }

  disconnected(): void {
    this.#joined = false
  }

  end(): void {
    this.#ended = true
    this.#waiting = undefined
  }

  hear(frame: ServerFrame, join: Join): void {
    const { type, channel, position, epoch } = frame
    if (type === "position" || type === "pong") {
      if (this.#joined && position !== undefined) this.#moveTo({ position, epoch })
      return
    }
    if (channel !== this.channel || this.#ended) return
    if (type === "error") this.#hearError(frame, join)
    if (position === undefined) return
    const place = { position, epoch }
    if (type === "subscribed") {
      this.#joined = true
      // Replayed events follow, and each moves the place.
      if (frame.replayed === 0) this.#moveTo(place)
    } else if (type === "replayed") {
      this.#moveTo(place)
    } else if (type === "resync") {
      this.place = place
      void this.#read("resync", join)
    } else if (this.#joined && "eventId" in frame) this.#hearEvent(frame as LiveEvent & { more?: boolean })
  }

  #hearEvent(event: LiveEvent & { readonly more?: boolean }): void {
    if (this.place && isSameLog(event, this.place) && !isAfter(event, this.place)) return
    // With more of the same position to come, a lost connection must bring this position again.
    if (!event.more) this.place = { position: event.position, epoch: event.epoch }
    if (this.#waiting === undefined) {
      this.#tell(event)
      return
    }
    if (this.#waiting.push(event) <= mostWaiting) return
    this.#waiting = []
    this.#overflowed = true
  }

  #hearError({ code, message }: ServerFrame, join: Join): void {
    if (code === "unavailable") {
      setTimeout(() => this.#ended || join(this), 1_000 + Math.random() * 4_000)
      return
    }
    if (code === "not_subscribed") return
    this.end()
    this.#refused()
    this.#changes.onRefused?.(String(code), message ?? "")
  }

  #moveTo(place: LivePlace): void {
    if (this.place && (!isSameLog(place, this.place) || !isAfter(place, this.place))) return
    this.place = place
  }

  async #read(why: "start" | "resync", join: Join): Promise<void> {
    const { snapshot } = this.#changes
    if (snapshot === undefined) return
    const mine = ++this.#snapshots
    const isStale = () => mine !== this.#snapshots || this.#ended
    this.#waiting = []
    this.#overflowed = false
    for (let failures = 0; !isStale(); failures++) {
      try {
        const place = livePlaceOf(await snapshot(why))
        if (!isStale()) this.#use(place, join)
        return
      } catch {
        await new Promise((done) => setTimeout(done, Math.random() * Math.min(30_000, 2_000 * 2 ** failures)))
      }
    }
  }

  #use(place: LivePlace | undefined, join: Join): void {
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    if (place && this.place && !isSameLog(place, this.place)) {
      // The database was replaced in between. What waited is of the other log.
      this.place = place
      this.#joined = false
    } else {
      for (const event of waiting) if (!place || isAfter(event, place)) this.#tell(event)
      if (place) this.#moveTo(place)
    }
    if (!this.#joined) join(this)
    if (this.#overflowed) void this.#read("resync", join)
  }

  #tell(event: LiveEvent): void {
    try {
      this.#changes.onEvent(event)
    } catch (error) {
      // A mistake of the follower must not stop the others, and must be seen.
      setTimeout(() => {
        throw error
      })
    }
  }
}

/** A snapshot is read sooner than so many events are made. */
const mostWaiting = 1_000
