// The tables that statements write, in any spelling.

import { expect, test } from "bun:test"
import { functionAround, writesIn, writesOf } from "./sql.ts"

const writes = (sql: string, certain = true) => writesOf(sql, certain).map(({ verb, table }) => `${verb} ${table}`)

test("each statement that writes is found in any spelling", () => {
  const sql = `
    INSERT  INTO
      "slotbase" . "a" (x) values (1);
    update only slotbase.b as t set x = 1; update slotbase.c set x = 1; update slotbase.d u set x = 1;
    delete from only slotbase.E; merge into slotbase.f using g on true when matched then do nothing;
    truncate table slotbase.h; truncate i; copy slotbase.j (x, y) from stdin;
    insert into k values (1)`
  const expected = ["insert a", "update b", "update c", "update d", "delete e", "merge f", "truncate h", "truncate i"]
  expect(writes(sql)).toEqual([...expected, "copy j", "insert k"])
})

test("locks, upserts, comments, texts and other schemas are no writes", () => {
  const sql = `
    -- delete from slotbase.a
    /* update slotbase.b set x = 1 */
    select 'insert into slotbase.c', 'it''s' from slotbase.d x for update of x skip locked;
    insert into pgboss.e values (1) on conflict (x) do update set y = 1;
    copy slotbase.f to stdout`
  expect(writes(sql)).toEqual([])
})

test("in a text that may be prose, only a table with its schema counts", () => {
  expect(writes("Cannot insert into it, delete from it, or update the set", false)).toEqual([])
  expect(writes("insert into slotbase.a", false)).toEqual(["insert a"])
})

test("templates are read with their holes, and a table that comes from a value is unnamed", () => {
  const text = "sql`update slotbase.a ${x} set y = ${sql`delete from b`}`; sql`insert into ${t}`; `delete from ${u}`"
  expect(writesIn(text).map(({ verb, table }) => [verb, table])).toEqual([
    ["delete", "b"],
    ["insert", undefined],
  ])
})

test("a place in SQL knows the function around it", () => {
  const sql =
    "create function slotbase.a(x int) as $$ one $$; two;\ncreate or replace procedure b() as $x$ three $$ $x$;"
  const around = (word: string) => functionAround(sql, sql.indexOf(word))
  expect([around("one"), around("two"), around("three")]).toEqual(["slotbase.a", undefined, "b"])
})
