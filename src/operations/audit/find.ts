/** The audit trail and the sign-ins, as they are read: the newest first. */
import * as Schema from "effect/Schema"
import type { Queryable } from "#base/database/db.ts"
import { isId } from "#base/ids.ts"
import { keyAfter, type Page, pageLimitOf, pageOf, pageQuery } from "#base/schema/page.ts"
import { Id, Instant } from "#base/schema/request-fields.ts"
import { lineUpTo } from "#base/schema/text-fields.ts"
import { type AuditAction, auditActions } from "#events/audit-actions.ts"

const actions = Object.keys(auditActions) as AuditAction[]
/** The longest id of a thing: a job is named by its name. */
const maxSubject = 200
const time = {
  since: Schema.optionalKey(Instant).annotateKey({ description: "at this instant or later" }),
  until: Schema.optionalKey(Instant).annotateKey({ description: "before this instant" }),
}

export const AuditQuery = Schema.Struct({
  ...pageQuery,
  ...time,
  action: Schema.optionalKey(Schema.Literals(actions)),
  actorId: Schema.optionalKey(Id),
  subjectId: Schema.optionalKey(lineUpTo(maxSubject)),
})

const NullableText = Schema.NullOr(Schema.String)
const Values = Schema.NullOr(Schema.Record(Schema.String, Schema.Unknown))

export const AuditRecord = Schema.Struct({
  id: Id,
  at: Schema.String,
  facilityId: Id.annotate({ description: "the platform's own row for what belongs to no facility" }),
  organizationId: Schema.NullOr(Id),
  action: Schema.String,
  subjectType: Schema.String,
  subjectId: Schema.String,
  actorId: Schema.NullOr(Id),
  actorName: NullableText.annotate({ description: "of a key: its name" }),
  actorKind: Schema.Literals(["person", "api_key", "system", "database"]),
  databaseUser: NullableText.annotate({ description: "of a change that was made in SQL" }),
  apiKeyId: Schema.NullOr(Id),
  clientAddress: NullableText,
  userAgent: NullableText,
  correlationId: Schema.NullOr(Id),
  method: NullableText,
  route: NullableText,
  before: Values.annotate({ description: "the fields that changed, without secrets" }),
  after: Values,
}).annotate({ identifier: "AuditRecord" })
type AuditRecord = typeof AuditRecord.Type

export const SignInQuery = Schema.Struct({
  ...pageQuery,
  ...time,
  outcome: Schema.optionalKey(Schema.Literals(["succeeded", "failed"])),
})
export const AllSignInsQuery = Schema.Struct({ ...SignInQuery.fields, userId: Schema.optionalKey(Id) })

export const SignIn = Schema.Struct({
  id: Id,
  userId: Schema.NullOr(Id).annotate({ description: "null: nobody has the address that was typed" }),
  outcome: Schema.Literals(["succeeded", "failed"]),
  tries: Schema.Int.annotate({ description: "failed ones are counted by account, address and hour" }),
  firstAt: Schema.String,
  lastAt: Schema.String,
  clientAddress: NullableText,
  userAgent: NullableText,
}).annotate({ identifier: "SignIn" })
type SignIn = typeof SignIn.Type

/** The rows of a facility, or of an organization itself. Left out: all rows. */
export interface AuditScope {
  readonly facilityId?: string
  readonly organizationId?: string
}

export async function findAudit(
  db: Queryable,
  { facilityId, organizationId }: AuditScope,
  query: typeof AuditQuery.Type,
): Promise<Page<AuditRecord>> {
  const limit = pageLimitOf(query)
  const { action, actorId } = query
  // Subjects that are ids were kept in lower case; others are names, such as a job's.
  const subjectId =
    query.subjectId !== undefined && isId(query.subjectId) ? query.subjectId.toLowerCase() : query.subjectId
  const isAll = facilityId === undefined && organizationId === undefined
  // Who declines an invitation stays a stranger to the club.
  const shown = isAll ? db`` : db`case when action <> 'role.declined' then`
  const end = isAll ? db`` : db`end`
  const rows = await db<AuditRow[]>`
    select id, at, facility_id, organization_id, action, subject_type, subject_id, actor_kind, database_user, api_key_id,
           correlation_id, method, route, before::text, after::text,
           ${shown} actor_id ${end} as actor_id, ${shown} host(client_address) ${end} as client_address,
           ${shown} user_agent ${end} as user_agent,
           ${shown} (select case u.kind when 'api_key' then u.first_name else u.first_name || ' ' || u.last_name end
                     from slotbase.users u where u.id = actor_id) ${end} as actor_name
    from slotbase.audit_log
    where ${between(db, query)}
      ${facilityId === undefined ? db`` : db`and facility_id = ${facilityId}`}
      ${organizationId === undefined ? db`` : db`and organization_id = ${organizationId}`}
      ${action === undefined ? db`` : db`and action = ${action}`}
      ${actorId === undefined ? db`` : db`and actor_id = ${actorId} ${isAll ? db`` : db`and action <> 'role.declined'`}`}
      ${subjectId === undefined ? db`` : db`and subject_id = ${subjectId}`}
    order by id desc limit ${limit + 1}`
  const fitting = Math.min(limit, countWithin(maxPageCharacters, rows))
  return pageOf(rows.slice(0, fitting + 1), fitting, (row) => [row.id], recordOf)
}

/**
 * Characters of the changed values of one page. The longest rows have 64 KiB each; 200 of them would hold the event
 * loop for 50 ms. A page of usual rows has less than a tenth of this.
 */
const maxPageCharacters = 4 * 1024 * 1024

/** How many of the rows fit, at least one. */
function countWithin(characters: number, rows: readonly AuditRow[]): number {
  let left = characters
  const tooMuch = rows.findIndex(({ before, after }) => {
    left -= (before?.length ?? 0) + (after?.length ?? 0)
    return left < 0
  })
  return tooMuch === -1 ? rows.length : Math.max(1, tooMuch)
}

export async function findSignIns(db: Queryable, query: typeof AllSignInsQuery.Type): Promise<Page<SignIn>> {
  const limit = pageLimitOf(query)
  const { outcome, userId } = query
  const rows = await db<SignInRow[]>`
    select id, user_id, outcome, tries, first_at, last_at, text(client_address) as client_address, user_agent
    from slotbase.sign_ins
    where ${between(db, query)}
      ${outcome === undefined ? db`` : db`and outcome = ${outcome}`}
      ${userId === undefined ? db`` : db`and user_id = ${userId}`}
    order by id desc limit ${limit + 1}`
  return pageOf(rows, limit, (row) => [row.id], signInOf)
}

/** Ids carry their time, so that the indexes of the ids find a span of time. */
function between(db: Queryable, query: { readonly after?: string; readonly since?: string; readonly until?: string }) {
  const after = keyAfter(query, Schema.Tuple([Id]))
  const { since, until } = query
  return db`
    ${after === undefined ? db`true` : db`id < ${after[0]}`}
    ${since === undefined ? db`` : db`and id >= slotbase.id_at(${since}::text::timestamptz)`}
    ${until === undefined ? db`` : db`and id < slotbase.id_at(${until}::text::timestamptz)`}`
}

interface AuditRow {
  readonly id: string
  readonly at: Date
  readonly facility_id: string
  readonly organization_id: string | null
  readonly action: string
  readonly subject_type: string
  readonly subject_id: string
  readonly actor_id: string | null
  readonly actor_name: string | null
  readonly actor_kind: AuditRecord["actorKind"]
  readonly database_user: string | null
  readonly api_key_id: string | null
  readonly client_address: string | null
  readonly user_agent: string | null
  readonly correlation_id: string | null
  readonly method: string | null
  readonly route: string | null
  /** JSON, parsed only when the row is in the page. */
  readonly before: string | null
  readonly after: string | null
}

const recordOf = (row: AuditRow): AuditRecord => ({
  id: row.id,
  at: row.at.toISOString(),
  facilityId: row.facility_id,
  organizationId: row.organization_id,
  action: row.action,
  subjectType: row.subject_type,
  subjectId: row.subject_id,
  actorId: row.actor_id,
  actorName: row.actor_name,
  actorKind: row.actor_kind,
  databaseUser: row.database_user,
  apiKeyId: row.api_key_id,
  clientAddress: row.client_address,
  userAgent: row.user_agent,
  correlationId: row.correlation_id,
  method: row.method,
  route: row.route,
  before: valuesOf(row.before),
  after: valuesOf(row.after),
})

const valuesOf = (text: string | null) => (text === null ? null : (JSON.parse(text) as Record<string, unknown>))

interface SignInRow {
  readonly id: string
  readonly user_id: string | null
  readonly outcome: SignIn["outcome"]
  readonly tries: number
  readonly first_at: Date
  readonly last_at: Date
  readonly client_address: string | null
  readonly user_agent: string | null
}

const signInOf = (row: SignInRow): SignIn => ({
  id: row.id,
  userId: row.user_id,
  outcome: row.outcome,
  tries: row.tries,
  firstAt: row.first_at.toISOString(),
  lastAt: row.last_at.toISOString(),
  clientAddress: row.client_address?.replace(/\/(32|128)$/, "") ?? null,
  userAgent: row.user_agent,
})
