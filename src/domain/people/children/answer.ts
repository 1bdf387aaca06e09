/** A link between parent and child as the API answers it: the Schema, and the one conversion from a row. */
import * as Schema from "effect/Schema"
import { childPermissions } from "#access/caller.ts"
import { Id, Instant } from "#base/schema/fact-fields.ts"
import type { LinkRow } from "./rows.ts"

export const LinkStatus = Schema.Literals(["invited", "linked", "declined"])

export const ChildLink = Schema.Struct({
  id: Id,
  parentId: Id,
  parentName: Schema.String,
  childId: Id,
  status: LinkStatus,
  countsIn: Schema.NullOr(Id).annotate({
    description: "the facility whose staff made the link, and the only one where it counts; null: everywhere",
  }),
  relationship: Schema.String,
  isPrimary: Schema.Boolean,
  permissions: Schema.Array(Schema.Literals(childPermissions)),
  child: Schema.NullOr(
    Schema.Struct({
      name: Schema.String,
      birthDate: Schema.NullOr(Schema.String),
      email: Schema.NullOr(Schema.String),
    }),
  ).annotate({ description: "the child; null for the parent until the link is accepted, and while it counts nowhere" }),
  createdAt: Instant,
  linkedAt: Schema.NullOr(Instant),
}).annotate({ identifier: "ChildLink" })
export type ChildLink = typeof ChildLink.Type

/**
 * For the parent. An invited child stays unknown until the link is accepted. So does a child who has left the only
 * facility in which the link counts.
 */
export const toParent = (row: LinkRow): ChildLink => linkOf(row, row.counts_now)

/** For the child. */
export const toChild = (row: LinkRow): ChildLink => linkOf(row, true)

const linkOf = (row: LinkRow, tellsChild: boolean): ChildLink => ({
  id: row.id,
  parentId: row.parent_id,
  parentName: row.parent_name,
  childId: row.child_id,
  status: row.status,
  countsIn: row.facility_id,
  relationship: row.relationship,
  isPrimary: row.is_primary,
  permissions: row.permissions,
  child: tellsChild ? { name: row.child_name, birthDate: row.child_birth_date, email: row.child_email } : null,
  createdAt: row.created_at.toISOString(),
  linkedAt: row.linked_at?.toISOString() ?? null,
})
