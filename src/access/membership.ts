/**
 * Who belongs to a club, as a condition of SQL. Staff and keys name members only. A stranger's id is answered like an
 * id that nobody has, so that no club can look up the accounts of others.
 */
import type { Queryable } from "#base/database/db.ts"

/**
 * Whether a person holds a role in the facility `f` or in its organization. The statement has `slotbase.facilities`
 * under the name `f`. A platform administrator is no member.
 */
export const isMemberOf = (sql: Queryable, userId: ReturnType<Queryable>) => sql`
  exists (select from slotbase.role_grants g
          where g.user_id = ${userId}
            and (g.scope_type = 'facility' and g.scope_id = f.id
              or g.scope_type = 'organization' and g.scope_id = f.organization_id))`

/**
 * The place of a person in the facility `f` or in its organization, as one row: `roles`, `is_member`, `is_uncounted`.
 * The last one says that the facility's plan does not count the person, who only registered.
 */
export const placeOf = (sql: Queryable, userId: ReturnType<Queryable>) => sql`
  (select coalesce(array_agg(g.role), '{}') as roles, count(*) > 0 as is_member,
          coalesce(not bool_or(g.counts) filter (where g.scope_type = 'facility'), false) as is_uncounted
   from slotbase.role_grants g
   where g.user_id = ${userId}
     and (g.scope_type = 'facility' and g.scope_id = f.id
       or g.scope_type = 'organization' and g.scope_id = f.organization_id))`
