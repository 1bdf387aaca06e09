/** Finds and lists the members of a facility, for its staff. Reads only. */
import * as Schema from "effect/Schema"
import type { Staff } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import { NotFound } from "#base/errors.ts"
import { keyAfter, type Page, pageLimitOf, pageOf } from "#base/schema/page.ts"
import { Id } from "#base/schema/request-fields.ts"
import type { FacilityMember } from "./answer.ts"
import type { MemberQuery } from "./input.ts"

/** By last name, first name and id, without regard to case. */
export async function listMembers(
  db: Queryable,
  { facilityId }: Staff,
  query: typeof MemberQuery.Type,
): Promise<Page<FacilityMember>> {
  const { q, role, account } = query
  const limit = pageLimitOf(query)
  const after = keyAfter(query, Schema.Tuple([Schema.String, Schema.String, Id]))
  const none = db``
  const rows = await db<MemberRow[]>`
    with member as materialized (${members(db, facilityId)})
    select * from member
    where true
      ${q === undefined ? none : db`and ${matches(db, q)}`}
      ${role === undefined ? none : db`and ${role} = any (roles)`}
      ${account === undefined ? none : db`and account = ${account}`}
      ${after === undefined ? none : db`and (last_key, first_key, user_id) > (${after[0]}, ${after[1]}, ${after[2]}::uuid)`}
    order by last_key, first_key, user_id
    limit ${limit + 1}`
  return pageOf(rows, limit, (row) => [row.last_key, row.first_key, row.user_id], memberOf)
}

/** Throws NotFound. */
export async function getMember(db: Queryable, facilityId: string, userId: string): Promise<FacilityMember> {
  const [row] = await db<MemberRow[]>`${members(db, facilityId, userId)}`
  if (!row) throw new NotFound("member", userId)
  return memberOf(row)
}

/** A part of the names in either order or of the address, or the beginning of a number, without regard to case. */
function matches(db: Queryable, q: string): ReturnType<Queryable> {
  // People type a comma between the last name and the first, and some keyboards write accents as signs of their own.
  const asked = q.normalize("NFC").replaceAll(/\s*,\s*|\s+/g, " ")
  const part = `%${escaped(asked)}%`
  const start = `${escaped(asked)}%`
  return db`(first_name || ' ' || last_name || ' ' || first_name ilike ${part} or email ilike ${part}
    or member_number ilike ${start} or phone ilike ${start})`
}

const escaped = (text: string) => text.replace(/[\\%_]/g, (sign) => `\\${sign}`)

/** One row for each person with a role in the facility or in its organization. */
const members = (db: Queryable, facilityId: string, userId?: string) => db`
  select u.id as user_id, f.id as facility_id, u.first_name, u.last_name, coalesce(u.email, u.contact_email) as email,
         d.member_number, d.phone, d.postal_code, g.roles, g.since,
         case when u.walk_in_at is not null then 'walk_in' when u.email is null then 'managed' else 'own' end as account,
         x.since as dead_since, x.status as dead_status, x.answer as dead_answer,
         lower(u.last_name) as last_key, lower(u.first_name) as first_key
  from slotbase.facilities f
  join lateral (
    select r.user_id, array_agg(distinct r.role order by r.role) as roles, min(r.granted_at) as since
    from slotbase.role_grants r
    where (r.scope_type = 'facility' and r.scope_id = f.id or r.scope_type = 'organization' and r.scope_id = f.organization_id)
      ${userId === undefined ? db`` : db`and r.user_id = ${userId}`}
    group by r.user_id) g on true
  join slotbase.users u on u.id = g.user_id and u.kind = 'person'
  left join slotbase.member_details d on d.user_id = u.id and d.facility_id = f.id
  left join slotbase.undeliverable_addresses x on x.address = lower(coalesce(u.email, u.contact_email))
  where f.id = ${facilityId}`

interface MemberRow {
  readonly user_id: string
  readonly facility_id: string
  readonly first_name: string
  readonly last_name: string
  readonly email: string | null
  readonly member_number: string | null
  readonly phone: string | null
  readonly postal_code: string | null
  readonly roles: readonly string[]
  readonly account: FacilityMember["account"]
  readonly since: Date
  readonly dead_since: Date | null
  readonly dead_status: string | null
  readonly dead_answer: string | null
  readonly last_key: string
  readonly first_key: string
}

const memberOf = (row: MemberRow): FacilityMember => ({
  userId: row.user_id,
  facilityId: row.facility_id,
  firstName: row.first_name,
  lastName: row.last_name,
  email: row.email,
  memberNumber: row.member_number,
  phone: row.phone,
  postalCode: row.postal_code,
  roles: row.roles,
  account: row.account,
  since: row.since.toISOString(),
  undeliverable: row.dead_since && {
    since: row.dead_since.toISOString(),
    status: row.dead_status ?? "",
    answer: row.dead_answer ?? "",
  },
})
