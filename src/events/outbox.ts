/**
 * The outbox: the only place that makes events. `record` checks an event against its Schema and keeps it.
 * Right before the commit one statement writes all events of the transaction, pipelined with the commit itself.
 * Guarantees:
 * - There is no event without its change, and no change without its event.
 * - The outbox number is drawn after every row lock of the command, so the events of one aggregate are in commit order.
 * Writes: events, outbox.
 */
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { sendHint } from "#base/hints.ts"
import { newId, platformFacilityId } from "#base/ids.ts"
import { checkData, definitionOf, type EventData, type EventType } from "./catalogue.ts"
import { metrics } from "./metrics.ts"

/** The origin of a command. Every event that the command records carries it. */
export interface EventContext {
  readonly environment: "production" | "staging" | "development"
  readonly correlationId: string
  readonly causationId?: string
  /** The actor: a person, or one of the system actors. */
  readonly userId?: string
  readonly clientIp?: string
  readonly userAgent?: string
  /** The request of the command, for the audit trail. */
  readonly request?: {
    readonly method: string
    readonly route: string
    /** Left out on the open routes. */
    readonly actorKind?: "person" | "api_key" | "system"
    readonly apiKeyId?: string
  }
}

export interface NewEvent<T extends EventType> {
  readonly type: T
  /** Default: the platform facility. */
  readonly facilityId?: string
  readonly data: EventData<T>
  /** The time of the change in the domain; default: now. */
  readonly occurredAt?: Date
  readonly organizationId?: string
  /**
   * Facts for webhook filters that the data does not contain. An event that names a booking needs none: the statement
   * that writes it adds the booking's resource and type.
   */
  readonly about?: { readonly resourceId?: string; readonly bookingType?: string }
}

/** Runs a command in one transaction. Returns its result and the ids of the events that it recorded. */
export async function transact<T>(
  db: Db,
  context: EventContext,
  command: (tx: Tx) => Promise<T>,
): Promise<{ result: T; eventIds: readonly string[] }> {
  let kept: Kept | undefined
  const result = await db.begin(async (tx) => {
    kept = setEventContext(tx, context)
    return command(tx)
  })
  return { result, eventIds: kept?.events.map((event) => event.id) ?? [] }
}

/**
 * Sets the context of the following `record` calls of this transaction. The handlers of one batch share a transaction.
 */
export function setEventContext(tx: Tx, context: EventContext): Kept {
  const present = transactions.get(tx)
  if (present) {
    present.context = context
    return present
  }
  const kept: Kept = { context, events: [] }
  transactions.set(tx, kept)
  // Not through `tx`, which may be a savepoint that is over by then.
  tx.beforeCommit((last) => write(last, kept.events))
  tx.afterCommit(() => {
    if (kept.events.length > 0) reached("after-commit")
    for (const event of kept.events) metrics.published(event.type)
    if (kept.events.length > 0) sendHint("outbox")
    if (kept.events.length > 0) reached("after-hint")
  })
  return kept
}

/** The origin of this transaction's command, for work that is recorded later in its name. */
export function eventContextOf(tx: Tx): EventContext {
  const kept = transactions.get(tx)
  if (!kept) throw new Error("eventContextOf: this transaction has no event context; open it with transact()")
  return kept.context
}

/**
 * Records an event in the transaction of its change; returns its id. Throws `InvalidEvent` when the event violates its
 * Schema.
 */
export function record<T extends EventType>(tx: Tx, event: NewEvent<T>): string {
  const kept = transactions.get(tx)
  if (!kept) throw new Error("record: this transaction has no event context; open it with transact()")
  checkData(event.type, event.data)
  const row = rowOf(event, kept.context)
  kept.events.push(row)
  reached("change-made", row.id)
  return row.id
}

interface Kept {
  context: EventContext
  readonly events: RecordedRow[]
}
type RecordedRow = ReturnType<typeof rowOf>

const transactions = new WeakMap<Tx, Kept>()

function rowOf<T extends EventType>(event: NewEvent<T>, context: EventContext) {
  const definition = definitionOf(event.type)
  if (!definition) throw new Error(`record: no event type ${event.type}`)
  const data = event.data as { resourceId?: string; bookingType?: string }
  const resourceId = event.about?.resourceId ?? data.resourceId
  const bookingType = event.about?.bookingType ?? data.bookingType
  const { environment, clientIp, userAgent } = context
  return {
    id: newId(),
    facility_id: event.facilityId ?? platformFacilityId,
    type: event.type,
    version: definition.version,
    occurred_at: event.occurredAt?.toISOString() ?? null,
    source: definition.source,
    correlation_id: context.correlationId,
    causation_id: context.causationId ?? null,
    user_id: context.userId ?? null,
    organization_id: event.organizationId ?? null,
    aggregate_type: definition.aggregate,
    aggregate_id: definition.aggregateId(event.data),
    resource_id: resourceId ?? null,
    booking_type: bookingType ?? null,
    ...((resourceId === undefined || bookingType === undefined) && bookingOf(event.data)),
    data: event.data,
    metadata: { environment, ...(clientIp && { clientIp }), ...(userAgent && { userAgent }) },
  }
}

/** The booking that an event is about, by its own id, by what is paid, or by its coaching session. */
function bookingOf(data: object): { booking_id?: string; session_id?: string } {
  const { bookingId, referenceType, referenceId, sessionId } = data as Readonly<Record<string, string | undefined>>
  const booking = bookingId ?? (referenceType === "booking" ? referenceId : undefined)
  return {
    ...(booking !== undefined && { booking_id: booking }),
    ...(sessionId !== undefined && { session_id: sessionId }),
  }
}

// A filter on a court or a booking type must find what is about a booking, such as its payment. So the booking is
// looked up by its key for each event that lacks either.
// The insert of the events gives this transaction its id, before the outbox draws its numbers.
// The low-water mark of the dispatcher's scan relies on this order. "order by id" is the order of the record calls.
const write = (tx: Tx, events: readonly RecordedRow[]) =>
  events.length === 0
    ? Promise.resolve()
    : tx`
      with t as materialized (
        select slotbase.now() as now
      ), new as (
        select * from jsonb_to_recordset(${tx.json(events as never)}) as e (
          id uuid, facility_id uuid, type text, version text, occurred_at timestamptz, source text, correlation_id uuid,
          causation_id uuid, user_id uuid, organization_id uuid, aggregate_type text, aggregate_id text, resource_id uuid,
          booking_type text, booking_id uuid, session_id uuid, data jsonb, metadata jsonb)
      ), recorded as (
        insert into slotbase.events (id, facility_id, type, version, timestamp, occurred_at, source, correlation_id,
          causation_id, user_id, organization_id, aggregate_type, aggregate_id, resource_id, booking_type, data, metadata)
        select e.id, e.facility_id, e.type, e.version, t.now, coalesce(e.occurred_at, t.now), e.source, e.correlation_id,
          e.causation_id, e.user_id, e.organization_id, e.aggregate_type, e.aggregate_id,
          coalesce(e.resource_id, b.resource_id), coalesce(e.booking_type, b.booking_type), e.data, e.metadata
        from new e cross join t
        left join lateral slotbase.booking_about(e.booking_id, e.session_id, e.facility_id) b
          on e.booking_id is not null or e.session_id is not null
        returning id, facility_id, type
      )
      insert into slotbase.outbox (event_id, facility_id, type)
      select id, facility_id, type from recorded order by id`
