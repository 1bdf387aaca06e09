/**
 * An id says nothing about who may see its row. A statement that looks a row up by an id also names the tenant: the
 * facility, the scope, or the caller's own id. Otherwise one club reads or changes what belongs to another.
 *
 * The law reads tagged templates by patterns, each select for itself, with the fragments in its holes. The tenant
 * stands in the conditions of the select with the id, or of one that is joined to it. A fragment of its own may take
 * the tenant from the statement around it: `x.facility_id = f.facility_id`. The law does not follow a list into another
 * select under a new name, and not an alias that hides the name of a column.
 */

import { type Law, product, type Source, schema, type Violation } from "./law.ts"
import { type Select, selectsOf, statementsOf } from "./reading/statements.ts"

/** Tables without a tenant, each with its reason. Their rows name no facility. */
const free: Readonly<Record<string, string>> = {
  facilities: "a facility is a tenant itself",
  organizations: "an organization is a tenant itself",
  subscription_plans: "what is offered to every club",
  plan_prices: "what is offered to every club",
  coupons: "what the platform offers to every club",
  event_types: "the catalogue of the program's events",
  settings: "one row for the whole system",
  clock: "one row for the whole system",
  handlers: "the program's handlers, which work for all clubs",
  handler_claims: "positions that a process has claimed, of all clubs",
  handler_cursors: "how far a handler has come, in the events of all clubs",
  handler_batches: "runs by position, of all clubs",
  outbox_floor: "one row for the whole system",
  processes: "the program's own processes",
  migrations: "the schema's own history",
  retired_months: "partitions, which hold rows of all clubs",
  partitioned_tables: "the schema's own tables",
  jobs: "the program's jobs, which are the same for every club",
  stripe_inbox: "events of the payment provider, before anybody knows their club",
  mailbox: "the mail of a demonstration, on the own machine",
}

/** A column that names a row: `id`, `b.id`, `booking_id::text`; not the columns of a tenant. */
const id = String.raw`\b(?:id|(?!facility_id|scope_id|organization_id|caller_id)\w+_id)\b(?:::\w+)?`
const hole = String.raw`\s*(?:=|in\b|is not distinct from)\s*(?:any\s*)?\(*\s*(?:array\s*\[?\(?)?\s*\$\{`
/** `id = ${…}`, `booking_id = any (${…})`, `(id, position) in (${…})`. */
const byId = new RegExp(String.raw`${id}(?:[\w\s.,]*\))?${hole}`)
/** `${…} = id`, `${…}::uuid = any (x.booking_id)`. */
const byIdReversed = new RegExp(String.raw`\}(?:::\w+(?:\[\])?)?\)?\s*=\s*(?:any\s*)?\(?\s*(?:\w+\.)?${id}(?!\s*\()`)
/** Lists of a caller that are read as a table: `unnest(${ids}) x`, `jsonb_to_recordset(${rows}) as x (…)`. */
const list =
  /\b(?:unnest|jsonb?_\w+)\s*\([^()]*\$\{[^()]*(?:\([^()]*\)[^()]*)*\)\s*(?:with ordinality\s*)?(?:as\s+)?(\w+)/g

const tenant = "(?:facility_id|scope_id|caller_id|f\\.id)"
/** `facility_id = ${…}`, or the caller's own row. */
const ofTenant = new RegExp(String.raw`\b${tenant}${hole}|=\s*\$\{caller\.userId\}`)
/** In a fragment: the tenant of the statement around it. */
const ofOuter = /\b(?:facility_id|scope_id)\s*(?:=|in)\s*\(?\w+\.(?:facility_id|id)\b/
const isWhole = /^\s*(?:with|select|insert|update|delete|\$\{)/i

export const tenancyLaw: Law = {
  name: "a statement that names a row by its id names the tenant too",
  reads: [product, schema],
  check: (sources) => [
    ...sources.filter(({ path }) => schema.test(path)).flatMap(notFree),
    ...sources
      .filter(({ path }) => product.test(path))
      .flatMap(({ path, text }) =>
        statementsOf(text).flatMap((sql): Violation[] => {
          if (!/\b(?:where|on)\b/.test(sql)) return []
          const [selects, lists] = [selectsOf(sql), listsIn(sql)]
          const isOpen = (each: Select) => looksUp(each, lists) && !namesTenant(each, selects, lists)
          if (!selects.some(isOpen)) return []
          const what = `${verbOf(sql)} ${tablesIn(sql).join(", ") || "a selection"}`
          return [{ file: path, says: `looks up by an id without the tenant: ${what}`, about: `${path}: ${what}` }]
        }),
      ),
  ],
  exceptions: {
    "actors/deliveries/breaker-rows.ts: delete webhook_breakers":
      "a row of this process, for a webhook that it sends to",
    "actors/deliveries/claim-rows.ts: with delivery_queue": "deliveries that this process has claimed, by their leases",
    "actors/deliveries/claim-rows.ts: select webhooks, facilities": "the ids are those of claimed deliveries",
    "actors/deliveries/settle-failed-rows.ts: update webhooks": "the ids are those of claimed deliveries",
    "actors/deliveries/settle-ordered.ts: select webhook_pace": "the ids are those of claimed deliveries",
    "actors/deliveries/settle-rows.ts: a selection delivery_queue":
      "deliveries that this process has claimed, by their leases",
    "src/cli/webhooks-trigger.ts: select webhooks": "an operator may test the webhooks of all clubs",
    "src/access/caller.ts: select working_keys, callers":
      "it makes a caller of a user, with the rights that decide everything else",
    "src/access/sessions.ts: delete sessions": "the sessions of the person whose password was changed",
    "src/access/sessions.ts: with users, sign_in_addresses": "the person who has just signed in",
    "src/demo/first-club.ts: select api_keys": "the root key's hint, printed at the start on the own machine",
    "src/demo/first-club.ts: select occupancies": "the court of the first club, for the line that the start prints",
    "src/domain/booking/block-of.ts: select coach_blocks, bookings":
      "the ids come from events that name the block alone",
    "src/domain/booking/coach-time.ts: select coach_occupancies, bookings":
      "a coach is one person in all facilities; `coachConflicts` shows nothing of another facility",
    "src/domain/booking/rows.ts: select coach_occupancies, bookings":
      "expired holds of one coach, in whatever facility; each is released in its own",
    "src/domain/booking/plan-statement.ts: a selection users":
      "members of the facility (`isMemberOf`), and those whom the caller may name",
    "src/domain/booking/waitlist/candidates.ts: select a selection":
      "narrows a search in one facility to the resources that became free",
    "src/domain/booking/waitlist/candidates.ts: select waitlist_entries, resources":
      "the fragment `allows` joins the resource to the facility of the entry",
    "src/domain/coaching/progress/progress.ts: select users, feedback, facilities":
      "whether a person is a member of the facility, by `isMemberOf`",
    "src/domain/coaching/progress/progress.ts: a selection users, role_grants, coach_session_students, progress":
      "whether there is such a person; the rest of the condition names the facility",
    "src/domain/ledger/accounts.ts: insert users":
      "the debtor of something due in the facility, also after leaving the facility",
    "src/domain/ledger/payment-rows.ts: select payments":
      "the provider's own id, from a request that the provider signed",
    "src/domain/people/accounts/links.ts: select users":
      "the caller whose password was checked, or a person whom the club entered",
    "src/domain/people/accounts/links.ts: select users, account_links": "the link of an event, for its mail",
    "src/domain/people/accounts/links.ts: update account_links": "the account of a link, or of the caller",
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
    "src/domain/people/users.ts: select users": "an account to lock, before it is known who may change it",
    "src/domain/people/users.ts: update users": "an account that its command has locked and checked",
    "src/operations/audit/find.ts: select sign_ins":
      "a person's own sign-ins, or those of all people for a platform administrator",
    "src/outbound/calendars/pulled.ts: select bookings":
      "whether an event of a calendar is a booking of this database; nothing of the row is shown",
    "src/outbound/hooks/subscriptions.ts: update hook_subscriptions, delivery_queue":
      "the ids are those of claimed deliveries, whose receivers have answered 410",
    "src/outbound/live/channels.ts: select resources":
      "the facility of a channel, which then decides the right to listen",
    "src/outbound/messages/preferences/routes/unsubscribe.ts: select role_grants, facilities, users":
      "the person whom the sealed token of the link names",
    "src/outbound/messages/recipients.ts: select users": "the people whom an event of the facility concerns",
    "src/outbound/messages/channels/push/subscriptions.ts: delete push_subscriptions":
      "a browser of the caller, or one that the caller has shown the address of",
    "src/outbound/messages/channels/push/subscriptions.ts: select push_subscriptions":
      "the browser of a message, and of its reader",
    "src/outbound/messages/preferences/readers.ts: select phones, push_subscriptions, message_switches, quiet_hours, users":
      "the people whom an event of the facility concerns, or the caller",
    "src/outbound/messages/preferences/rows.ts: insert users": "the reader whom a sealed link names",
    "src/outbound/messages/preferences/rows.ts: delete message_switches": "the caller, whose row is locked",
    "src/outbound/messages/preferences/rows.ts: delete quiet_hours": "the caller, whose row is locked",
    "src/outbound/webhooks/deliveries/abandon.ts: with delivery_queue, webhooks, events":
      "the id of a webhook that was deleted in its facility",
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
      tree: {
        "src/a.ts": "db`select 1 from slotbase.delivery_history where id = ${id}`",
        "src/b.ts": "db`delete from slotbase.delivery_queue where event_id = ${id}`",
        "src/c.ts": "db`select 1 from slotbase.attempt_history where delivery_id = ${id}`",
        "src/d.ts": "db`select 1 from slotbase.dead_letters where event_id = ${id}`",
        "src/e.ts": "db`update slotbase.webhooks set url = '' where ${id}::uuid = id`",
        "src/f.ts": "db`select 1 from slotbase.bookings where (id, version) in (${a}, ${b})`",
        "src/g.ts": "db`select 1 from slotbase.bookings b join unnest(${ids}::uuid[]) x on x.id = b.id`",
        "src/h.ts":
          "db`with k as (select * from slotbase.media m where m.id = q.id)\n" +
          " select 1 from jsonb_to_recordset(${db.json(rows)}) as q (id uuid) where true`",
      },
      says: [
        "src/a.ts looks up by an id without the tenant: select delivery_history",
        "src/b.ts looks up by an id without the tenant: delete delivery_queue",
        "src/c.ts looks up by an id without the tenant: select attempt_history",
        "src/d.ts looks up by an id without the tenant: select dead_letters",
        "src/e.ts looks up by an id without the tenant: update webhooks",
        "src/f.ts looks up by an id without the tenant: select bookings",
        "src/g.ts looks up by an id without the tenant: select bookings",
        "src/h.ts looks up by an id without the tenant: with media",
      ],
    },
    {
      tree: {
        "src/a.ts":
          "db`select 1 from slotbase.feedback b where b.id = ${id}\n" +
          " and exists (select from slotbase.role_grants g where g.scope_id = ${facilityId})`",
        "src/b.ts":
          "db`select 1, (select name from slotbase.resources where facility_id = ${facilityId} limit 1)\n" +
          " from slotbase.feedback where id = ${id}`",
        "src/c.ts": "db`update slotbase.media set facility_id = ${facilityId} where id = ${id}`",
        "sql/0001.sql": "create table slotbase.jobs (\n  name text,\n  facility_id uuid\n);",
      },
      says: [
        "sql/0001.sql makes jobs, whose rows name a facility, and which the law leaves free",
        "src/a.ts looks up by an id without the tenant: select feedback, role_grants",
        "src/b.ts looks up by an id without the tenant: select resources, feedback",
        "src/c.ts looks up by an id without the tenant: update media",
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
        "src/d.ts":
          "db`select 1 from slotbase.users u where u.id = ${id}\n" +
          " and exists (select from slotbase.role_grants g where g.user_id = u.id and g.scope_id = ${facilityId})`\n" +
          "db`select 1 from slotbase.media m where m.facility_id = ${f} and exists (\n" +
          " select from slotbase.feedback b where b.id = m.feedback_id and b.student_id = ${id})`",
        "src/e.ts":
          "db`select 1 from jsonb_to_recordset(${db.json(rows)}) as q (facility_id uuid, id uuid)\n" +
          " join slotbase.resources r on r.id = q.id and r.facility_id = q.facility_id`\n" +
          "db`insert into slotbase.media (id) select x from unnest(${ids}::uuid[]) x where true`",
        "sql/0001.sql":
          "create table slotbase.jobs (\n  name text\n);\ncreate table slotbase.media (\n  facility_id uuid\n);",
        "src/c.ts": "// db`select 1 from slotbase.bookings where id = ${id}`\nconst text = 'where id = ${id}'",
      },
    },
  ],
}

/** A free table of the schema whose rows name a facility. */
function notFree({ path, text }: Source): Violation[] {
  return [...text.matchAll(/^create table slotbase\.(\w+) \(\n([\s\S]*?)^\)/gm)].flatMap(
    ([, table = "", columns = ""]) =>
      Object.hasOwn(free, table) && /^\s+(?:facility_id|scope_id)\b/m.test(columns)
        ? [{ file: path, says: `makes ${table}, whose rows name a facility, and which the law leaves free` }]
        : [],
  )
}

/** Whether it finds rows with a tenant by ids that come from outside of the statement. */
function looksUp({ own }: Select, lists: readonly string[]): boolean {
  const tables = tablesIn(own)
  if (tables.length > 0 && tables.every((table) => Object.hasOwn(free, table))) return false
  if (byId.test(own) || byIdReversed.test(own)) return true
  return lists.some((alias) => {
    const item = String.raw`\b${alias}(?:\."?\w+"?)?(?![\w.])`
    const column = String.raw`(?<![\w.])(?!${alias}\b)(?:\w+\.)?${id}`
    return new RegExp(`${item}\\s*=\\s*${column}|${column}\\s*=\\s*${item}`).test(own)
  })
}

/** In its own conditions, or in those of a select that is joined to it. */
function namesTenant(select: Select, all: readonly Select[], lists: readonly string[]): boolean {
  const isFragment = !isWhole.test(all[0]?.own ?? "")
  const ofOne = String.raw`(?:${lists.join("|") || "-"})\."?facility_?id"?`
  const ofList = new RegExp(
    String.raw`\b(?:facility_id|f\.id)\s*=\s*${ofOne}|\b${ofOne}\s*=\s*(?:\w+\.)?facility_id\b`,
    "i",
  )
  const around = select.parent !== undefined && isJoined(select) ? [select.parent] : []
  const inside = all.filter((other) => other.parent === select && isJoined(other))
  return [select, ...around, ...inside].some(({ own }) => {
    const conditions = own.slice(Math.max(0, own.search(/\b(?:where|on)\b/)))
    return ofTenant.test(conditions) || ofList.test(conditions) || (isFragment && ofOuter.test(conditions))
  })
}

/** An inner select that names a row or the tenant of the outer one, or gives it values to compare or to read from. */
function isJoined({ before, whole, parent }: Select): boolean {
  if (/(?:\bin|=|\bany|\bfrom|\bjoin|\blateral)\s*\(*\s*$/.test(before) || ofOuter.test(whole)) return true
  const tables = /\b(?:from|join|update|using)\s+(?:only\s+)?slotbase\.(\w+)(?:\s+(?:as\s+)?(\w+))?/g
  return [...(parent?.own ?? "").matchAll(tables)].some(([, table, alias]) =>
    new RegExp(String.raw`\b(?:${alias ?? table}|${table})\.`).test(whole),
  )
}

/** The aliases of the lists that a caller gives. */
const listsIn = (sql: string) => [...sql.matchAll(list)].flatMap(([, alias]) => alias ?? [])

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
