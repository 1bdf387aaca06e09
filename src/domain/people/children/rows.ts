/**
 * The rows of parents and children. A link is changed under the locks of both people, taken in the order of their ids.
 * Two changes may conflict: a second primary parent, or two people as each other's parents. The later change sees the
 * earlier one.
 * Writes: child_links.
 */
import type { ChildPermission } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { newId } from "#base/ids.ts"

type LinkStatus = "invited" | "linked" | "declined"

export interface LinkRow {
  readonly id: string
  readonly parent_id: string
  readonly child_id: string
  readonly relationship: string
  readonly is_primary: boolean
  readonly permissions: readonly ChildPermission[]
  readonly status: LinkStatus
  readonly created_at: Date
  readonly linked_at: Date | null
  readonly parent_name: string
  readonly child_name: string
  /** YYYY-MM-DD */
  readonly child_birth_date: string | null
  readonly child_email: string | null
}

/** The part of a person that links need. */
export interface LockedPerson {
  readonly id: string
  readonly name: string
  readonly email: string | null
  readonly can_sign_in: boolean
  /** The parent who made the account and is responsible for it. */
  readonly managed_by: string | null
}

/** Locks people in the order of their ids. Ids of no person are left out. */
export async function lockPeople(tx: Tx, ids: readonly string[]): Promise<ReadonlyMap<string, LockedPerson>> {
  const rows = await tx<LockedPerson[]>`
    select id, first_name || ' ' || last_name as name, email, password_hash is not null as can_sign_in, managed_by
    from slotbase.users
    where id = any (${[...ids]}::uuid[]) and kind = 'person'
    order by id for no key update`
  return new Map(rows.map((row) => [row.id, row]))
}

/** The facts against a new link, read under the locks. */
export async function standing(
  tx: Tx,
  parentId: string,
  childId: string,
): Promise<{ children: number; hasPrimary: boolean; isReversed: boolean; otherParent: string | null }> {
  const [row] = await tx<[{ children: number; hasPrimary: boolean; isReversed: boolean; otherParent: string | null }]>`
    select (select count(*) from slotbase.child_links where parent_id = ${parentId} and status in ('invited', 'linked')) as children,
           exists (select from slotbase.child_links
                   where child_id = ${childId} and parent_id <> ${parentId} and status = 'linked' and is_primary) as "hasPrimary",
           exists (select from slotbase.child_links
                   where child_id = ${parentId} and parent_id = ${childId} and status = 'linked') as "isReversed",
           (select l.parent_id from slotbase.child_links l
            where l.child_id = ${childId} and l.parent_id <> ${parentId} and l.status = 'linked'
            order by l.is_primary desc, l.linked_at, l.parent_id limit 1) as "otherParent"`
  return row
}

/**
 * Inserts a link or an invitation. It replaces a declined invitation, and a link also replaces an open one.
 * Undefined: there is one already.
 */
export async function insertLink(
  tx: Tx,
  link: {
    readonly parentId: string
    readonly childId: string
    readonly relationship: string
    readonly isPrimary: boolean
    readonly permissions: readonly ChildPermission[]
    readonly status: "invited" | "linked"
    readonly createdBy: string
  },
): Promise<LinkRow | undefined> {
  const { parentId, childId, relationship, isPrimary, permissions, status, createdBy } = link
  const [made] = await tx<{ id: string }[]>`
    insert into slotbase.child_links as l (id, parent_id, child_id, relationship, is_primary, permissions, status, created_by, linked_at)
    values (${newId()}, ${parentId}, ${childId}, ${relationship}, ${isPrimary}, ${tx.array([...permissions])}::text[], ${status},
            ${createdBy}, case when ${status}::text = 'linked' then slotbase.now() end)
    on conflict (parent_id, child_id) do update
    set id = excluded.id, relationship = excluded.relationship, is_primary = excluded.is_primary,
        permissions = excluded.permissions, status = excluded.status, created_by = excluded.created_by,
        created_at = excluded.created_at, linked_at = excluded.linked_at
    where l.status = 'declined' or (l.status = 'invited' and excluded.status = 'linked')
    returning id`
  return made && findLink(tx, made.id)
}

/** Stores the answer to an invitation. */
export async function answerLink(
  tx: Tx,
  id: string,
  answer: { readonly status: "linked"; readonly isPrimary: boolean } | { readonly status: "declined" },
): Promise<void> {
  await tx`
    update slotbase.child_links
    set status = ${answer.status}, is_primary = ${answer.status === "linked" && answer.isPrimary},
        linked_at = case when ${answer.status}::text = 'linked' then slotbase.now() end
    where id = ${id}`
}

export async function deleteLink(tx: Tx, id: string): Promise<void> {
  await tx`delete from slotbase.child_links where id = ${id}`
}

export async function findLink(db: Queryable, id: string): Promise<LinkRow | undefined> {
  const [row] = await db<LinkRow[]>`${selected(db)} where l.id = ${id}`
  return row
}

export async function findLinkOf(db: Queryable, parentId: string, childId: string): Promise<LinkRow | undefined> {
  const [row] = await db<LinkRow[]>`${selected(db)} where l.parent_id = ${parentId} and l.child_id = ${childId}`
  return row
}

export interface LinkFilter {
  readonly parentId?: string
  /** Links of this child, and of the children for whose accounts this person is responsible. */
  readonly answeredBy?: string
  /** Only children who hold a role in one of these facilities, like the parent. */
  readonly sharedFacilities?: readonly string[] | undefined
  readonly status: LinkStatus | undefined
  readonly after: string
  readonly limit: number
}

/** By id, which is the order of creation. */
export async function findLinks(db: Queryable, filter: LinkFilter): Promise<readonly LinkRow[]> {
  const { parentId, answeredBy, sharedFacilities, status, after, limit } = filter
  const none = db``
  return db<LinkRow[]>`
    ${selected(db)}
    where l.id > ${after}
      ${parentId === undefined ? none : db`and l.parent_id = ${parentId}`}
      ${
        answeredBy === undefined
          ? none
          : db`
        and l.child_id = any (array(select id from slotbase.users where id = ${answeredBy} or managed_by = ${answeredBy}))`
      }
      ${sharedFacilities === undefined ? none : db`and ${isShared(db, db`l.parent_id`, db`l.child_id`, sharedFacilities)}`}
      ${status === undefined ? none : db`and l.status = ${status}`}
    order by l.id limit ${limit}`
}

/** Whether both people hold a role in one of the facilities. */
export async function shareFacility(
  db: Queryable,
  a: string,
  b: string,
  facilities: readonly string[],
): Promise<boolean> {
  const [row] = await db<[{ shared: boolean }]>`
    select ${isShared(db, db`${a}::uuid`, db`${b}::uuid`, facilities)} as shared`
  return row.shared
}

const isShared = (db: Queryable, a: Fragment, b: Fragment, facilities: readonly string[]) => db`
  exists (select from slotbase.role_grants x
          join slotbase.role_grants y on y.scope_id = x.scope_id and y.scope_type = 'facility' and y.user_id = ${b}
          where x.user_id = ${a} and x.scope_type = 'facility' and x.scope_id = any (${[...facilities]}::uuid[]))`

type Fragment = ReturnType<Queryable>

const selected = (db: Queryable) => db`
  select l.id, l.parent_id, l.child_id, l.relationship, l.is_primary, l.permissions, l.status, l.created_at, l.linked_at,
         p.first_name || ' ' || p.last_name as parent_name, c.first_name || ' ' || c.last_name as child_name,
         c.birth_date::text as child_birth_date, c.email as child_email
  from slotbase.child_links l
  join slotbase.users p on p.id = l.parent_id
  join slotbase.users c on c.id = l.child_id`
