/**
 * An id says nothing about who may see its row. A statement that looks a row up by an id also names the tenant: the
 * facility, the scope, or the caller's own id. Otherwise one club reads or changes what belongs to another.
 *
 * The law reads tagged templates by patterns. It looks at the outermost template, with the fragments in its holes. A
 * fragment of its own, such as a condition, may take the tenant from the statement around it: `x.facility_id =
 * f.facility_id`. An alias that hides the name of the tenant is not found.
 */

import { type Law, product, type Violation } from "./law.ts"
import { type Part, partsOf } from "./reading/typescript.ts"

/**
 * Tables without a tenant. The rows of the first line belong to everybody; an organization or a facility is a tenant.
 * The others are the machinery that works for all clubs at once, by keys that it has claimed.
 */
const free = new Set([
  ...[
    "facilities",
    "organizations",
    "subscription_plans",
    "plan_prices",
    "coupons",
    "event_types",
    "settings",
    "clock",
  ],
  ...["handlers", "handler_queue", "handler_claims", "handler_cursors", "handler_history", "handler_batches"],
  ...["delivery_queue", "delivery_history", "attempt_history", "webhook_breakers", "webhook_versions"],
  ...["webhook_sequences", "outbox", "outbox_floor", "event_positions", "processes", "migrations", "retired_months"],
  ...["partitioned_tables", "jobs", "job_runs", "stripe_inbox", "mailbox"],
])

const hole = String.raw`\s*(?:=|in)\s*(?:any\s*)?\(?\s*(?:array\s*\()?\$\{`
/** `id = ${…}`, `booking_id = any (${…})`; not the columns of a tenant. */
const byId = new RegExp(
  String.raw`\b(?:id|(?!facility_id|scope_id|organization_id|caller_id|webhook_id|event_id)\w+_id)${hole}`,
)
/** `facility_id = ${…}`, or the caller's own row. */
const ofTenant = new RegExp(String.raw`\b(?:facility_id|scope_id|caller_id|f\.id)${hole}|=\s*\$\{caller\.userId\}`)
/** In a fragment: the tenant of the statement around it. */
const ofOuter = /\b(?:facility_id|scope_id)\s*(?:=|in)\s*\(?\w+\.(?:facility_id|id)\b/
const isWhole = /^\s*(?:with|select|insert|update|delete|\$\{)/i

export const tenancyLaw: Law = {
  name: "a statement that names a row by its id names the tenant too",
  reads: [product],
  check: (sources) =>
    sources.flatMap(({ path, text }) =>
      outermost(partsOf(text)).flatMap((part): Violation[] => {
        const sql = text.slice(part.start + 1, part.end - 1)
        const tables = tablesIn(sql)
        if (!byId.test(sql) || (tables.length > 0 && tables.every((table) => free.has(table)))) return []
        if (!/\b(?:where|on)\b/.test(sql) || ofTenant.test(sql) || (!isWhole.test(sql) && ofOuter.test(sql))) return []
        const what = `${verbOf(sql)} ${tables.join(", ") || "a selection"}`
        return [{ file: path, says: `looks up by an id without the tenant: ${what}`, about: `${path}: ${what}` }]
      }),
    ),
  exceptions: {
    "actors/deliveries/claim-rows.ts: with webhooks, processes, delivery_queue": "the ids come from the queue",
    "actors/deliveries/claim-rows.ts: select webhooks": "the ids are those of claimed deliveries",
    "src/access/caller.ts: select working_keys, callers":
      "it makes a caller of a user, with the rights that decide everything else",
    "src/access/sessions.ts: with sign_in_addresses": "the person who has just signed in",
    "src/demo/first-club.ts: select api_keys": "the root key's hint, printed at the start on the own machine",
    "src/demo/first-club.ts: select occupancies": "the court of the first club, for the line that the start prints",
    "src/domain/booking/block-of.ts: select coach_blocks, bookings":
      "the ids come from events that name the block alone",
    "src/domain/ledger/accounts.ts: insert users":
      "the debtor of something due in the facility, also after leaving the facility",
    "src/domain/ledger/payment-rows.ts: select payments":
      "the provider's own id, from a request that the provider signed",
    "src/domain/people/children/children.ts: select role_grants":
      "where a child plays, for events and for the parents' roles; the answer does not show it",
    "src/domain/people/children/rows.ts: select users":
      "locks parent and child; `addChild` and `removeChild` check the caller's right to both before anything is said",
    "src/domain/people/children/rows.ts: select child_links, child_refusals": "the facts about a pair, under its locks",
    "src/domain/people/children/rows.ts: update child_links":
      "a link whose answer the caller may give, under its locks",
    "src/domain/people/children/rows.ts: delete child_refusals": "the same",
    "src/domain/people/children/rows.ts: delete child_links": "rows of a pair that the caller may end, under its locks",
    "src/domain/people/children/rows.ts: select a selection":
      "an invitation or a pair; the child's side, the parent, or staff by `madeByStaff` see it",
    "src/domain/people/children/rows.ts: a selection users":
      "a list of the parent's or of the child's side; `sharedFacilities` names the facilities of staff",
    "src/domain/people/find-person.ts: select users":
      "whether somebody is a member, or is a person at all for a platform administrator; nothing of the row is shown",
    "src/domain/people/find-person.ts: select users, child_links": "locks a family; nothing is shown",
    "src/domain/people/list-roles.ts: select role_grants, users":
      "the fragment `administered` names the scopes that the caller administers",
    "src/domain/people/role-invitations.ts: delete role_invitations, facilities":
      "a person's own bound, whoever invites: the oldest of the tenant with the most gives way",
    "src/domain/people/roles.ts: insert child_links, role_grants":
      "parents of a child whose role has just been given; the statement joins the facility where the link counts",
    "src/domain/people/users.ts: update users": "a child that `removeChild` has locked and checked",
    "src/operations/audit/find.ts: select sign_ins":
      "a person's own sign-ins, or those of all people for a platform administrator",
    "src/outbound/live/channels.ts: select resources":
      "the facility of a channel, which then decides the right to listen",
    "src/outbound/messages/recipients.ts: select users": "the people whom an event of the facility concerns",
  },
  broken: [
    {
      tree: {
        "src/a.ts": "const row = await db`select * from slotbase.bookings where id = ${id}`",
        "src/b.ts": "tx<Row[]>`update slotbase.users u set x = 1 where u.id = any (${ids}::uuid[])`",
        "src/c.ts": "db`${selected(db)} where l.id = ${id}`",
        "actors/d.ts":
          "db`select facility_id from slotbase.payments p join slotbase.users u on u.id = p.payer_id where p.id = ${id}`",
        "src/e.ts":
          "db`select 1 from slotbase.facilities f join slotbase.media m on m.facility_id = f.id where m.id = ${id}`",
      },
      says: [
        "src/a.ts looks up by an id without the tenant: select bookings",
        "src/b.ts looks up by an id without the tenant: update users",
        "src/c.ts looks up by an id without the tenant: select a selection",
        "actors/d.ts looks up by an id without the tenant: select payments, users",
        "src/e.ts looks up by an id without the tenant: select facilities, media",
      ],
    },
    {
      tree: { "src/a.ts": "db`select 1 from slotbase.bookings where facility_id = ${f} and id = ${id}`" },
      exceptions: { "src/a.ts: select bookings": "a reason" },
      says: ["src/a.ts: select bookings is an exception that is not needed"],
    },
  ],
  kept: [
    {
      tree: {
        "src/a.ts":
          "db`select * from slotbase.bookings b where b.id = ${id} and b.facility_id = ${facilityId}`\n" +
          "db`select 1 from slotbase.role_grants where user_id = ${userId} and ${x} and scope_id in (${a}, ${b})`\n" +
          "db`select * from slotbase.sessions where user_id = ${caller.userId}`\n" +
          "db`select * from slotbase.users where email = ${email}`",
        "src/b.ts":
          "db`select 1 from slotbase.facilities where id = ${id}`\n" +
          "db`exists (select from slotbase.media m where m.facility_id = f.id and m.user_id = ${userId})`\n" +
          "db`select 1 from slotbase.bookings b where ${db`b.id = ${id} and b.facility_id = ${facilityId}`}`",
        "src/c.ts": "// db`select 1 from slotbase.bookings where id = ${id}`\nconst text = 'where id = ${id}'",
      },
    },
  ],
}

/** Tagged templates that stand in no other one. */
function outermost(parts: readonly Part[]): Part[] {
  const tagged = parts.filter(({ kind, tagged }) => kind === "template" && tagged)
  return tagged.filter((part) => !tagged.some((other) => other.start < part.start && part.end < other.end))
}

/** The tables that it reads or changes, each once, in their order. An insert reads the tables of its select. */
function tablesIn(sql: string): string[] {
  const found = [...sql.matchAll(/\b(?:from|join|update|using)\s+(?:only\s+)?slotbase\.(\w+)/g)]
  return [...new Set(found.flatMap(([, table]) => table ?? []))]
}

/** A statement that begins with a fragment is a selection, or has its tables in it. */
function verbOf(sql: string): string {
  const [verb] = /^\s*(?:with|select|insert|update|delete)\b/i.exec(sql) ?? []
  if (verb !== undefined) return verb.trim().toLowerCase()
  return tablesIn(sql).length === 0 ? "select" : "a selection"
}
