/** The messages that a person reads inside the program: the list, and which ones were read. */
import * as Schema from "effect/Schema"
import type { Caller } from "#access/caller.ts"
import type { Db, Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound } from "#base/errors.ts"
import { keyAfter, pageLimitOf, pageOf, pageQuery } from "#base/schema/page.ts"
import { Id } from "#base/schema/request-fields.ts"
import { markNoticesRead } from "#outbound/messages/intents.ts"

export const NotificationQuery = Schema.Struct({
  ...pageQuery,
  unread: Schema.optionalKey(
    Schema.Literals(["true", "false"]).annotate({ description: "true: only those that were not read" }),
  ),
})

export const InAppNotification = Schema.Struct({
  id: Id,
  facilityId: Id,
  type: Schema.String.annotateKey({ description: "the type of the event that it is about" }),
  title: Schema.String,
  body: Schema.String,
  data: Schema.Record(Schema.String, Schema.Unknown).annotateKey({ description: "ids and instants of the event" }),
  createdAt: Schema.String,
  readAt: Schema.NullOr(Schema.String),
})

export const InAppPage = Schema.Struct({
  data: Schema.Array(InAppNotification),
  next: Schema.NullOr(Schema.String),
  unread: Schema.Int.annotateKey({ description: "all that were not read; counted up to 1,000" }),
})

export const ReadUpTo = Schema.Struct({
  upTo: Schema.optionalKey(Id).annotateKey({
    description: "the newest message that is read, with all before it; left out: all",
  }),
})

export const ReadCount = Schema.Struct({ read: Schema.Int, unread: Schema.Int })

/** Beyond it a person has stopped reading, and an exact count would read on and on. */
const countedUnread = 1_000

interface Row {
  readonly id: string
  readonly facilityId: string
  readonly type: string
  readonly title: string
  readonly body: string
  readonly data: Record<string, unknown> | null
  readonly createdAt: Date
  readonly readAt: Date | null
}

/** The newest first. */
export async function listNotifications(
  db: Db,
  caller: Caller,
  query: typeof NotificationQuery.Type,
): Promise<typeof InAppPage.Type> {
  const limit = pageLimitOf(query)
  const [after] = keyAfter(query, Schema.Tuple([Id])) ?? []
  const [rows, unread] = await Promise.all([
    db<Row[]>`
      select id, facility_id as "facilityId", type, title, body, data, created_at as "createdAt", read_at as "readAt"
      from slotbase.notifications
      where user_id = ${caller.userId} and channel = 'in_app'
        ${query.unread === "true" ? db`and read_at is null` : db``}
        ${
          after === undefined
            ? db``
            : db`and (created_at, id) < (select l.created_at, l.id from slotbase.notifications l
                                         where l.id = ${after} and l.user_id = ${caller.userId} limit 1)`
        }
      order by created_at desc, id desc
      limit ${limit + 1}`,
    countUnread(db, caller),
  ])
  return { ...pageOf(rows, limit, (row) => [row.id], answerOf), unread }
}

/** Throws NotFound. */
export async function readNotification(tx: Tx, caller: Caller, id: string): Promise<typeof InAppNotification.Type> {
  await markNoticesRead(tx, caller, { only: id })
  const [row] = await tx<Row[]>`
    select id, facility_id as "facilityId", type, title, body, data, created_at as "createdAt", read_at as "readAt"
    from slotbase.notifications where id = ${id} and user_id = ${caller.userId} and channel = 'in_app'`
  if (!row) throw new NotFound("notification", id)
  return answerOf(row)
}

/** Marks a message and all before it, or all. Throws NotFound for a message that is none of the caller's. */
export async function readUpTo(tx: Tx, caller: Caller, { upTo }: typeof ReadUpTo.Type): Promise<typeof ReadCount.Type> {
  if (upTo !== undefined) {
    const last = await tx`
      select from slotbase.notifications where id = ${upTo} and user_id = ${caller.userId} and channel = 'in_app'`
    if (last.count === 0) throw new NotFound("notification", upTo)
  }
  const read = await markNoticesRead(tx, caller, upTo === undefined ? {} : { upTo })
  return { read, unread: await countUnread(tx, caller) }
}

async function countUnread(db: Queryable, caller: Caller): Promise<number> {
  const [row] = await db<[{ unread: number }]>`
    select count(*) as unread from (
      select from slotbase.notifications
      where user_id = ${caller.userId} and channel = 'in_app' and read_at is null
      limit ${countedUnread}) u`
  return row.unread
}

const answerOf = ({ data, createdAt, readAt, ...row }: Row): typeof InAppNotification.Type => ({
  ...row,
  data: data ?? {},
  createdAt: createdAt.toISOString(),
  readAt: readAt?.toISOString() ?? null,
})
