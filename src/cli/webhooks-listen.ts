/**
 * Follows a facility's events and forwards each to an address of this machine, in order and one at a time. The position
 * is kept in the data directory, so a restart goes on where the last one stopped. While nothing answers at the address,
 * the event waits; any HTTP answer counts as forwarded.
 */
import { mkdir, rename } from "node:fs/promises"
import { join } from "node:path"
import type { Config } from "#base/config.ts"
import type { Db } from "#base/database/db.ts"
import { EgressRefused, RequestFailed } from "#base/egress/failures.ts"
import { guardedFetch } from "#base/egress/fetch.ts"
import { connectHints, onHint } from "#base/hints.ts"
import { newId } from "#base/ids.ts"
import type { EventType } from "#events/catalogue.ts"
import type { DomainEvent } from "#events/envelope.ts"
import { readFeed } from "#outbound/feed/log.ts"
import { testEvent, testHeader } from "#outbound/webhooks/deliveries/test-delivery.ts"
import { answerBodyMs, authHeaders, plainHeaders } from "#outbound/webhooks/request.ts"
import { newSigningSecret } from "#outbound/webhooks/signature.ts"

export const triggerChannel = "slotbase_trigger"
/** The connection that listens, as PostgreSQL names it. */
export const listenerName = "slotbase webhooks listen listen"

export interface ChosenFacility {
  readonly id: string
  readonly name: string
}

export interface ForwardRequest {
  readonly facility: ChosenFacility
  /** Undefined: all. */
  readonly types?: readonly EventType[]
  /** Undefined: the events are only shown. */
  readonly forward?: string
  /** Undefined: one of this session. */
  readonly secret?: string
}

/** Where events may be forwarded: this machine, and SLOTBASE_EGRESS_ALLOW. */
export const forwardNetworks = ({ egressAllow }: Config) => ["127.0.0.0/8", "::1/128", ...egressAllow]
const pollMs = 1_000
/** A database on the way to rest, or a receiver that is being restarted. */
const againMs = 1_000
const pageSize = 50

/** Goes on until SIGINT or SIGTERM. */
export async function listenForEvents(db: Db, config: Config, listening: ForwardRequest): Promise<number> {
  const { facility, types, forward } = listening
  const secret = listening.secret ?? newSigningSecret()
  const place = await openPlace(db, config, facility.id)
  const [{ epoch }] = await db<[{ epoch: string }]>`select slotbase.log_epoch() as epoch`
  const stop = new AbortController()
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort())
  let wake = () => {}
  const samples: EventType[] = []
  const disconnect = await connectHints(db)
  const unhint = onHint("log", () => wake())
  const triggers = await db.listen(triggerChannel, (payload) => {
    const { facilityId, type } = JSON.parse(payload) as { facilityId: string; type: EventType }
    const isWanted = facilityId === facility.id && (types?.includes(type) ?? true)
    if (isWanted && samples.length < pageSize) samples.push(type)
    wake()
  })
  console.log(`Events of ${facility.name}${types ? `: ${types.join(", ")}` : ""}`)
  console.log(forward === undefined ? "They are only shown; --forward URL sends them on." : `They go to ${forward}`)
  if (forward !== undefined) console.log(`Signing secret of this session: ${secret}`)
  console.log(`From position ${place.position + 1}. Ctrl+C ends.`)
  let nth = 0
  const pass = async (event: DomainEvent, body: string, position: number) => {
    const sequence = position === 0 ? 0 : ++nth
    await forwardOne({ event, body, position, epoch, sequence, secret, forward, config, signal: stop.signal })
  }
  try {
    while (!stop.signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        wake = resolve
      })
      for (let type = samples.shift(); type && !stop.signal.aborted; type = samples.shift()) {
        const sample = testEvent(type, facility.id, config.environment)
        await pass(sample, JSON.stringify(sample), 0)
      }
      const page = await readFeed(db, { facilityId: facility.id, types, after: place.position, limit: pageSize })
      const bodies = await bodiesOf(db, facility.id, page.data)
      for (const event of page.data) {
        if (stop.signal.aborted) break
        const position = Number(event.position)
        await pass(event, bodies.get(event.id) ?? "", position)
        if (!stop.signal.aborted) await place.moveTo(position)
      }
      if (stop.signal.aborted) break
      await place.moveTo(Number(page.position))
      if (page.next === null) await Promise.race([woken, Bun.sleep(pollMs), aborted(stop.signal)])
    }
  } finally {
    unhint()
    await triggers.unlisten()
    await disconnect()
  }
  return 0
}

/** The text of each event, byte for byte as a webhook gets it. */
async function bodiesOf(db: Db, facilityId: string, events: readonly DomainEvent[]) {
  const rows = await db<{ id: string; body: string }[]>`
    select e.id, slotbase.event_body(e) as body from slotbase.events e
    where e.facility_id = ${facilityId} and e.id = any (${events.map(({ id }) => id)}::uuid[])`
  return new Map(rows.map(({ id, body }) => [id, body]))
}

interface Forwarded {
  readonly event: DomainEvent
  readonly body: string
  readonly position: number
  readonly epoch: string
  readonly sequence: number
  readonly secret: string
  readonly forward: string | undefined
  readonly config: Config
  readonly signal: AbortSignal
}

/** Forwards one event and prints its line. Repeats while nothing answers. */
async function forwardOne(one: Forwarded): Promise<void> {
  const { event, forward, signal } = one
  const line = (outcome: string) =>
    console.log(`${new Date().toISOString().slice(11, 19)}  ${event.type.padEnd(26)}  ${outcome}  ${event.id}`)
  if (forward === undefined) return line("")
  let said = ""
  while (!signal.aborted) {
    try {
      const { status, durationMs } = await guardedFetch(forward, requestTo(one))
      return line(`${status}  ${Math.round(durationMs)} ms`)
    } catch (error) {
      if (error instanceof EgressRefused) throw error
      if (!(error instanceof RequestFailed)) throw error
      if (!signal.aborted && error.message !== said) line(`${error.message} It is sent again until something answers.`)
      said = error.message
      await Promise.race([Bun.sleep(againMs), aborted(signal)])
    }
  }
}

function requestTo({ event, body, position, epoch, sequence, secret, config, signal }: Forwarded) {
  const timestamp = Math.floor(Date.now() / 1000)
  const attempt = { attemptId: newId(), eventId: event.id, eventType: event.type, sequence, position, replay: 0, epoch }
  const signed = authHeaders("signature", { signingSecret: secret }, { eventId: event.id, body, timestamp })
  return {
    method: "POST",
    headers: {
      ...plainHeaders(attempt, timestamp),
      ...(position === 0 && { [testHeader]: "true" }),
      ...signed.headers,
    },
    body,
    bodyMs: answerBodyMs,
    allow: forwardNetworks(config),
    signal,
  }
}

interface Place {
  /** Everything up to here was forwarded. */
  readonly position: number
  readonly moveTo: (position: number) => Promise<void>
}

/** The kept position; without one, or after a restore of an older log, the end of the log. */
async function openPlace(db: Db, { dataDir }: Config, facilityId: string): Promise<Place> {
  const [row] = await db<[{ head: number | null }]>`select max(position) as head from slotbase.event_positions`
  const head = Number(row.head ?? 0)
  const path = join(dataDir, `webhooks-listen-${facilityId}`)
  await mkdir(dataDir, { recursive: true })
  const kept = Number(
    (await Bun.file(path)
      .text()
      .catch(() => "")) || Number.NaN,
  )
  let position = Number.isSafeInteger(kept) && kept >= 0 && kept <= head ? kept : head
  const keep = async () => {
    await Bun.write(`${path}.new`, String(position))
    await rename(`${path}.new`, path)
  }
  await keep()
  return {
    get position() {
      return position
    },
    moveTo: async (to) => {
      if (to === position) return
      position = to
      await keep()
    },
  }
}

const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener("abort", () => resolve(), { once: true })
  })
