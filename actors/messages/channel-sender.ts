/**
 * Sends the messages of one channel in this process: claim → send → settle, side by side. It claims as many as it has
 * free places, in turn over the facilities, so a claimed message is a message under way. Ends are settled many at a
 * time, and make room for the next claim. While the service of the channel takes nothing, its messages wait, and one of
 * them asks again. Another channel is never waited for.
 */
import type { ActorProcess } from "#actors/runtime/life-sign.ts"
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import type { EventContext } from "#events/outbox.ts"
import { serviceFailed, serviceNotAsked, serviceNow, serviceWorks } from "#outbound/messages/channel-service.ts"
import { type Channel, type Outgoing, RecipientRefused, SendFailed } from "#outbound/messages/channels/channel.ts"
import { type ClaimedMessage, claimMessages, claimSuspect, readyMessages } from "./claim.ts"
import { holdMessages, type SendEnd, settleUnsent } from "./settle.ts"
import { settleWithEffects, whyNotNow } from "./truth.ts"

export interface ChannelSenderTools {
  readonly db: Db
  readonly process: ActorProcess
  readonly environment: EventContext["environment"]
  /** The message as it leaves. */
  readonly outgoingOf: (message: ClaimedMessage) => Outgoing
  /** Marks an address that takes nothing for good. */
  readonly markDead: (message: ClaimedMessage, answer: string) => Promise<void>
  /** A failure outside of a pass, such as of the database. */
  readonly onFailed: (error: unknown) => void
  /** Between 0 and 1; a test says 0.5 for no jitter. */
  readonly random?: () => number
}

/** Places that one facility leaves to the others, as a share of all: a slow server of its guests takes the rest. */
const leftToOthers = 0.1
/**
 * Ends are settled when half of the messages under way have ended, or after this time. Each settlement is a claim too.
 * Settled as they came, five went together on average.
 */
const settleWithinMs = 50
const settleCheckMs = 2
const retryMs = 200
const firstFacility = "00000000-0000-0000-0000-000000000000"

export class ChannelSender {
  readonly #channel: Channel
  readonly #tools: ChannelSenderTools
  readonly #abort = new AbortController()
  /** Messages under way, by facility. */
  readonly #busy = new Map<string, number>()
  #places = 0
  #ended: SendEnd[] = []
  #settling: Promise<void> | undefined
  #filling: Promise<void> | undefined
  #fillAgain = false
  #after = firstFacility
  #hasSuspects = false
  /** Lets the next suspect of this process begin. */
  #endQuarantine = () => {}
  /** Something was said against the service, and nothing for it since. */
  #isDoubted = false
  /** This sender asks whether a held service takes messages again. */
  #isAsking = false
  #isDraining = false

  constructor(channel: Channel, tools: ChannelSenderTools) {
    this.#channel = channel
    this.#tools = tools
  }

  /** Looks at the clock and at the service, then claims what fits. Answers when the next message is due. */
  async pass(): Promise<Date | undefined> {
    if (this.#isDraining) return undefined
    const { name } = this.#channel
    const { next_due, suspects } = await readyMessages(this.#tools.db, name)
    this.#hasSuspects = suspects
    const service = await serviceNow(this.#tools.db, name)
    this.#isDoubted = service.doubted
    this.#isAsking ||= service.probes
    if (service.heldMs !== undefined) await holdMessages(this.#tools.db, name, service.heldMs, service.answer)
    else await this.#fill(service.probes)
    return next_due ?? undefined
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#filling !== undefined || this.#settling !== undefined || this.#places > 0) {
      await this.#filling
      await this.#settling
      if (this.#places > 0) await Bun.sleep(1)
    }
  }

  /** Claims nothing more, and lets the sends under way end. Those that take longer have an unknown outcome. */
  async drain(graceMs: number): Promise<void> {
    this.#isDraining = true
    const grace = setTimeout(() => this.#abort.abort(new Error("the process stops")), graceMs)
    await Promise.race([this.idle(), Bun.sleep(graceMs + lastSettlingMs)])
    clearTimeout(grace)
  }

  /** One claim at a time. A call during a claim makes another one follow. */
  #fill(probes = false): Promise<void> {
    this.#fillAgain = this.#filling !== undefined
    this.#filling ??= this.#claimAll(probes).finally(() => {
      this.#filling = undefined
      if (this.#fillAgain) this.#fillSoon()
    })
    return this.#filling
  }

  #fillSoon(): void {
    this.#fill().catch((error: unknown) => this.#tools.onFailed(error))
  }

  async #claimAll(probes: boolean): Promise<void> {
    for (;;) {
      const free = (probes ? 1 : this.#channel.sendsAtOnce) - this.#places
      if (free <= 0 || this.#isDraining) return
      const claimed = await this.#claim(free, probes)
      reached("messages-claimed")
      for (const message of claimed) this.#begin(message)
      this.#after = claimed.at(-1)?.facility_id ?? this.#after
      if (claimed.length < free || probes) return
    }
  }

  async #claim(free: number, probes: boolean): Promise<readonly ClaimedMessage[]> {
    const { db, process } = this.#tools
    const { name: channel, sendsAtOnce } = this.#channel
    if (this.#hasSuspects) {
      const suspect = await this.#claimSuspect()
      if (suspect !== undefined) return suspect
    }
    return claimMessages(db, {
      channel,
      owner: process.owner(),
      places: free,
      perFacility: Math.max(1, Math.floor(sendsAtOnce * (1 - leftToOthers))),
      after: this.#after,
      busy: this.#busy,
      probes,
    })
  }

  /** One suspect, by itself; none while others are under way; undefined: there is none, or another is in quarantine. */
  async #claimSuspect(): Promise<readonly ClaimedMessage[] | undefined> {
    const { db, process } = this.#tools
    const endQuarantine = process.quarantine.beginSend()
    if (endQuarantine === undefined) return undefined
    let suspect: readonly ClaimedMessage[] = []
    try {
      if (this.#places > 0) return []
      suspect = await claimSuspect(db, this.#channel.name, process.owner())
    } finally {
      if (suspect.length === 0) endQuarantine()
    }
    this.#endQuarantine = endQuarantine
    this.#hasSuspects = suspect.length > 0
    return this.#hasSuspects ? suspect : undefined
  }

  #begin(message: ClaimedMessage): void {
    this.#places++
    this.#busy.set(message.facility_id, (this.#busy.get(message.facility_id) ?? 0) + 1)
    void this.#send(message).then((end) => {
      this.#ended.push(end)
      this.#settling ??= this.#settleAll().finally(() => {
        this.#settling = undefined
      })
    })
  }

  async #send(message: ClaimedMessage): Promise<SendEnd> {
    const { db, outgoingOf } = this.#tools
    let outgoing: Outgoing
    try {
      const whyNot = this.#cannotSend(message) ?? (await whyNotNow(db, message))
      if (whyNot !== undefined) return { message, how: "skipped", reason: whyNot }
      outgoing = outgoingOf(message)
    } catch (error) {
      return { message, how: "deferred", reason: wordsOf(error) }
    }
    reached("send-begun", message.event_id)
    try {
      await this.#channel.send(outgoing, this.#abort.signal)
      reached("mail-sent", message.event_id)
      return { message, how: "sent" }
    } catch (error) {
      return endOf(message, error)
    }
  }

  #cannotSend({ channel, reach, dead }: ClaimedMessage): string | undefined {
    if (this.#channel.unavailable !== undefined) return this.#channel.unavailable
    if (reach === null) return channel === "sms" ? "no verified phone number" : "no email address"
    return dead === null ? undefined : `the address takes no mail: ${dead}`
  }

  /** While the database is away, ends are kept and tried again: settling twice changes nothing. */
  async #settleAll(): Promise<void> {
    while (this.#ended.length > 0) {
      const until = performance.now() + settleWithinMs
      while (this.#ended.length * 2 < this.#places && performance.now() < until) await Bun.sleep(settleCheckMs)
      try {
        await this.#settle([...this.#ended])
      } catch (error) {
        this.#tools.onFailed(error)
        await Bun.sleep(retryMs)
      }
    }
  }

  async #settle(ends: readonly SendEnd[]): Promise<void> {
    const { db, environment, markDead, random } = this.#tools
    const sent = ends.filter(({ how }) => how === "sent").map(({ message }) => message)
    await settleWithEffects(db, sent, environment)
    for (const { message, addressIsDead, reason = "" } of ends) if (addressIsDead) await markDead(message, reason)
    await settleUnsent(
      db,
      ends.filter(({ how }) => how !== "sent"),
      random,
    )
    reached("messages-settled")
    await this.#noteService(ends)
    const done = new Set(ends)
    this.#ended = this.#ended.filter((end) => !done.has(end))
    for (const { message } of ends) this.#leave(message)
    if (!this.#isDraining) this.#fillSoon()
  }

  #leave({ facility_id }: ClaimedMessage): void {
    this.#places--
    this.#endQuarantine()
    const left = (this.#busy.get(facility_id) ?? 1) - 1
    if (left > 0) this.#busy.set(facility_id, left)
    else this.#busy.delete(facility_id)
  }

  /** What the ends say about the service as a whole. An answer about one recipient is an answer. */
  async #noteService(ends: readonly SendEnd[]): Promise<void> {
    const { db, random } = this.#tools
    for (const { message, against } of ends) {
      if (against === undefined) continue
      this.#isDoubted = true
      await serviceFailed(db, this.#channel.name, against, message.reach ?? "", random?.())
    }
    const wasAsking = this.#isAsking
    this.#isAsking = false
    if (ends.some(({ against }) => against !== undefined)) return
    if (this.#isDoubted && ends.some(({ how, answered }) => how === "sent" || answered)) {
      await serviceWorks(db, this.#channel.name)
      this.#isDoubted = false
    } else if (wasAsking) await serviceNotAsked(db, this.#channel.name)
  }
}

/** The time for the last settlements, after the grace time, milliseconds. */
const lastSettlingMs = 2_000

function endOf(message: ClaimedMessage, error: unknown): SendEnd {
  if (error instanceof RecipientRefused) {
    const { message: reason, addressIsDead } = error
    return { message, how: "refused", reason, addressIsDead, answered: true }
  }
  if (!(error instanceof SendFailed)) return { message, how: "deferred", reason: wordsOf(error), known: false }
  const { message: reason, outcome, permanent, concern, retryAfterMs = 0 } = error
  const end = { message, how: "deferred", reason, known: outcome === "not_sent", permanent, retryAfterMs } as const
  return concern === "message" ? { ...end, answered: true } : { ...end, against: error }
}

const wordsOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
