/**
 * The rows of parents and children. A link is changed under the locks of both people, taken in the order of their ids.
 * Two changes may conflict: a second primary parent, or two people as each other's parents. The later change sees the
 * earlier one. Each facility whose staff link a pair has a row of its own. A row without a facility counts everywhere.
 * Writes: child_links, child_refusals.
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
  /** The facility in which it counts; null: everywhere. */
  readonly facility_id: string | null
  readonly created_at: Date
  readonly linked_at: Date | null
  /** Not for a link of a facility that the child has left. */
  readonly counts_now: boolean
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
  /** The parent who made the account, or for whom staff made it. */
  readonly managed_by: string | null
  /** Whether that parent's link counts everywhere. */
  readonly is_managed_everywhere: boolean
  readonly is_walk_in: boolean
}

/** Locks people in the order of their ids. Ids of no person are left out. */
export async function lockPeople(tx: Tx, ids: readonly string[]): Promise<ReadonlyMap<string, LockedPerson>> {
  const rows = await tx<LockedPerson[]>`
    select u.id, u.first_name || ' ' || u.last_name as name, u.email, u.password_hash is not null as can_sign_in, u.managed_by,
           ${isManagedEverywhere(tx)} as is_managed_everywhere, u.walk_in_at is not null as is_walk_in
    from slotbase.users u
    where u.id = any (${[...ids]}::uuid[]) and u.kind = 'person'
    order by u.id for no key update of u`
  return new Map(rows.map((row) => [row.id, row]))
}

/**
 * The parent who answers in the child's place: the parent of the account. A child who can sign in answers alone, until
 * the child has accepted that parent. So staff cannot put somebody between a person and their links.
 */
export const responsibleFor = (child: LockedPerson): string | null =>
  child.can_sign_in && !child.is_managed_everywhere ? null : child.managed_by

const isManagedEverywhere = (sql: Queryable) => sql`
  exists (select from slotbase.child_links m
          where m.child_id = u.id and m.parent_id = u.managed_by and m.status = 'linked' and m.facility_id is null)`

export interface PairStanding {
  /** The parent's children and invitations that count everywhere or in the facility. */
  readonly children: number
  /** Whether another parent is the primary one, everywhere or in the facility. */
  readonly hasPrimary: boolean
  readonly isReversed: boolean
  /** Whether the pair is linked and the link counts everywhere. */
  readonly isLinked: boolean
  /** Whether the child's side ended or declined a link of this pair. */
  readonly isRefused: boolean
  /** Another parent whose link counts everywhere, the primary one first. */
  readonly otherParent: string | null
}

/** The facts against a new link of a facility, or of one that counts everywhere (null). Read under the locks. */
export async function standing(
  tx: Tx,
  parentId: string,
  childId: string,
  facilityId: string | null,
): Promise<PairStanding> {
  const counts = tx`(l.facility_id is null or l.facility_id = ${facilityId}::uuid)`
  const [row] = await tx<[PairStanding]>`
    select (select count(distinct l.child_id) from slotbase.child_links l
            where l.parent_id = ${parentId} and l.status in ('invited', 'linked') and ${counts}) as children,
           exists (select from slotbase.child_links l
                   where l.child_id = ${childId} and l.parent_id <> ${parentId} and l.status = 'linked' and l.is_primary
                     and ${counts}) as "hasPrimary",
           exists (select from slotbase.child_links l
                   where l.child_id = ${parentId} and l.parent_id = ${childId} and l.status = 'linked' and ${counts}) as "isReversed",
           exists (select from slotbase.child_links l
                   where l.parent_id = ${parentId} and l.child_id = ${childId} and l.status = 'linked'
                     and l.facility_id is null) as "isLinked",
           exists (select from slotbase.child_refusals r
                   where r.parent_id = ${parentId} and r.child_id = ${childId}) as "isRefused",
           (select l.parent_id from slotbase.child_links l
            where l.child_id = ${childId} and l.parent_id <> ${parentId} and l.status = 'linked' and l.facility_id is null
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
    /** The facility in which the link counts; null: everywhere. */
    readonly facilityId: string | null
  },
): Promise<LinkRow | undefined> {
  const { parentId, childId, relationship, isPrimary, permissions, status, createdBy, facilityId } = link
  const [made] = await tx<{ id: string }[]>`
    insert into slotbase.child_links as l (id, parent_id, child_id, relationship, is_primary, permissions, status, created_by, facility_id,
                                           linked_at)
    values (${newId()}, ${parentId}, ${childId}, ${relationship}, ${isPrimary}, ${tx.array([...permissions])}::text[], ${status},
            ${createdBy}, ${facilityId}, case when ${status}::text = 'linked' then slotbase.now() end)
    on conflict (parent_id, child_id, facility_id) do update
    set id = excluded.id, relationship = excluded.relationship, is_primary = excluded.is_primary,
        permissions = excluded.permissions, status = excluded.status, created_by = excluded.created_by,
        created_at = excluded.created_at, linked_at = excluded.linked_at
    where l.status = 'declined' or (l.status = 'invited' and excluded.status = 'linked')
    returning id`
  return made && findLink(tx, made.id)
}

/**
 * The child's side says yes: the link counts everywhere from now on. What single facilities have said about the pair
 * ends with it.
 */
export async function acceptLink(tx: Tx, link: LinkRow, isPrimary: boolean): Promise<void> {
  const { id, parent_id, child_id } = link
  await forgetPair(tx, parent_id, child_id, id)
  await tx`
    update slotbase.child_links
    set status = 'linked', facility_id = null, is_primary = ${isPrimary}, linked_at = coalesce(linked_at, slotbase.now())
    where id = ${id} and parent_id = ${parent_id}`
  await tx`delete from slotbase.child_refusals where parent_id = ${parent_id} and child_id = ${child_id}`
}

/** The child's side says no. */
export async function declineLink(tx: Tx, { id, parent_id, child_id }: LinkRow): Promise<void> {
  await tx`
    update slotbase.child_links set status = 'declined', is_primary = false where id = ${id} and parent_id = ${parent_id}`
  await keepRefusal(tx, parent_id, child_id)
}

/** Remembers that the child's side wants no link of this pair, so that staff cannot make one. */
export async function keepRefusal(tx: Tx, parentId: string, childId: string): Promise<void> {
  await tx`
    insert into slotbase.child_refusals (parent_id, child_id) values (${parentId}, ${childId}) on conflict do nothing`
}

export async function deleteLinks(tx: Tx, links: readonly LinkRow[]): Promise<void> {
  const [one] = links
  if (one === undefined) return
  await tx`
    delete from slotbase.child_links
    where id = any (${links.map(({ id }) => id)}::uuid[]) and parent_id = ${one.parent_id} and child_id = ${one.child_id}`
}

/** Removes all that there is of a pair, except one row. */
export async function forgetPair(tx: Tx, parentId: string, childId: string, except?: string): Promise<void> {
  await tx`
    delete from slotbase.child_links
    where parent_id = ${parentId} and child_id = ${childId} ${except === undefined ? tx`` : tx`and id <> ${except}`}`
}

export async function findLink(db: Queryable, id: string): Promise<LinkRow | undefined> {
  const [row] = await db<LinkRow[]>`${selected(db)} where l.id = ${id}`
  return row
}

/** All that there is of a pair: the link that counts everywhere or the invitation, and one link for each facility. */
export async function findLinksOf(db: Queryable, parentId: string, childId: string): Promise<readonly LinkRow[]> {
  return db<LinkRow[]>`${selected(db)} where l.parent_id = ${parentId} and l.child_id = ${childId} order by l.id`
}

export interface LinkFilter {
  readonly parentId?: string
  /** Links of this child, and of the children for whom this person answers (`responsibleFor`). */
  readonly answeredBy?: string
  /** Only children who hold a role in one of these facilities, like the parent; no link that counts in another. */
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
        and l.child_id = any (array(
          select u.id from slotbase.users u
          where u.id = ${answeredBy}
            or u.managed_by = ${answeredBy} and (u.password_hash is null or ${isManagedEverywhere(db)})))`
      }
      ${sharedFacilities === undefined ? none : db`and ${isSeenIn(db, sharedFacilities)}`}
      ${status === undefined ? none : db`and l.status = ${status}`}
    order by l.id limit ${limit}`
}

/** Those of the facilities in which both people hold a role, the lowest id first. */
export async function sharedFacilities(
  db: Queryable,
  a: string,
  b: string,
  facilities: readonly string[],
): Promise<readonly string[]> {
  const rows = await db<{ id: string }[]>`
    select distinct x.scope_id as id ${inCommon(db, db`${a}::uuid`, db`${b}::uuid`, facilities)} order by 1`
  return rows.map(({ id }) => id)
}

const isSeenIn = (db: Queryable, facilities: readonly string[]) => db`
  exists (select ${inCommon(db, db`l.parent_id`, db`l.child_id`, facilities)}
            and (l.facility_id is null or l.facility_id = x.scope_id))`

const inCommon = (db: Queryable, a: Fragment, b: Fragment, facilities: readonly string[]) => db`
  from slotbase.role_grants x
  join slotbase.role_grants y on y.scope_id = x.scope_id and y.scope_type = 'facility' and y.user_id = ${b}
  where x.user_id = ${a} and x.scope_type = 'facility' and x.scope_id = any (${[...facilities]}::uuid[])`

type Fragment = ReturnType<Queryable>

const selected = (db: Queryable) => db`
  select l.id, l.parent_id, l.child_id, l.relationship, l.is_primary, l.permissions, l.status, l.facility_id, l.created_at,
         l.linked_at, l.status = 'linked' and (l.facility_id is null or exists (
           select from slotbase.role_grants g
           where g.user_id = l.child_id and g.scope_type = 'facility' and g.scope_id = l.facility_id)) as counts_now,
         p.first_name || ' ' || p.last_name as parent_name, c.first_name || ' ' || c.last_name as child_name,
         c.birth_date::text as child_birth_date, c.email as child_email
  from slotbase.child_links l
  join slotbase.users p on p.id = l.parent_id
  join slotbase.users c on c.id = l.child_id`
