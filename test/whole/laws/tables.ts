/**
 * To change a table, open one file. The opening comment of a file that writes tables by SQL names exactly these tables:
 * `Writes: bookings, occupancies (while a booking stands).` Parentheses hold a remark. A full stop ends the line.
 */

import { type Law, product, type Source, type Violation } from "./law.ts"
import { openingOf } from "./reading/comments.ts"
import { writesIn } from "./reading/sql.ts"

export const writesLineLaw: Law = {
  name: "the opening comment names exactly the tables that the file writes",
  reads: [product],
  check: (sources) =>
    sources.flatMap((source): Violation[] => {
      const written = tablesOf(source)
      const said = saidBy(source)
      if (written.join() === said.join()) return []
      const says = `writes ${written.join(", ") || "nothing"}, and says ${said.join(", ") || "nothing"}`
      return [{ file: source.path, says }]
    }),
  broken: [
    {
      tree: { "src/a.ts": "/** A. */\nsql`insert into slotbase.a (id) values (1)`" },
      says: ["src/a.ts writes a, and says nothing"],
    },
    {
      tree: { "src/a.ts": "/** Writes: a, b (of c.ts). */\nsql`delete from slotbase.b`" },
      says: ["src/a.ts writes b, and says a, b"],
    },
    {
      tree: { "src/a.ts": "/** Writes: moves a to b. */\nsql`with x as (UPDATE  only a\n  set b = 1) select`" },
      says: ["src/a.ts writes a, and says moves a to b"],
    },
    {
      tree: { "src/a.ts": '// A.\n/** Writes: a. */\nconst text = "insert into slotbase.a values (1)"' },
      says: ["src/a.ts writes a, and says nothing"],
    },
    {
      tree: { "src/a.ts": "// A.\nsql`update slotbase.${sql(name)} set b = 1; truncate ${sql(name)}`" },
      says: ["src/a.ts writes a table without a name, and says nothing"],
    },
    { tree: { "src/a.ts": "/** Writes: a. */" }, says: ["src/a.ts writes nothing, and says a"] },
  ],
  kept: [
    {
      tree: {
        "src/a.ts":
          "/**\n * A.\n * Writes: a,\n * b (switched off by a 410) and c. It locks.\n */\n" +
          'sql`insert into slotbase.c`; sql`update slotbase.a x set y = 1`; sql`DELETE FROM "slotbase" . "b"`',
        "src/b.ts":
          "// B.\n// sql`insert into slotbase.b`\nsql`select 1 -- delete from slotbase.b\n for update of b skip locked`\n" +
          'throw new Error("Cannot update the set of prices, insert into it or delete from it")',
        "src/c.ts": "// C.\nsql`select slotbase.dispatch(); insert into pg_temp.c values (1)`",
      },
    },
  ],
}

export const oneWriterLaw: Law = {
  name: "a table has one file that writes it",
  reads: [product],
  check: (sources) => {
    const writers = new Map<string, string[]>()
    for (const source of sources)
      for (const table of tablesOf(source)) writers.set(table, [...(writers.get(table) ?? []), source.path])
    return [...writers].flatMap(([table, [first = "", ...others]]): Violation[] =>
      others.length > 0 ? [{ file: first, says: `writes ${table}, as does ${others.join(", ")}`, about: table }] : [],
    )
  },
  exceptions: {
    attempt_history:
      "an attempt may succeed, fail, or end with its process or its webhook: each is one statement with its queue",
    dead_letters:
      "one statement ends a run or a delivery and writes its dead letter; deciding about it is another room",
    delivery_history: "one statement moves a delivery from the queue to the history, or back",
    delivery_queue: "one statement moves a delivery from the queue to the history, or back",
    handler_history: "one statement moves a run from the queue to the history, or back",
    handler_queue: "one statement moves a run from the queue to the history, or back",
    outbox: "the dispatcher takes out events that SQL recorded and the catalogue refuses",
    webhooks: "a 410 switches a webhook off, in the statement that ends its delivery",
  },
  broken: [
    {
      tree: { "src/a.ts": "sql`insert into slotbase.t`", "actors/b.ts": "sql`update slotbase.t set a = 1`" },
      says: ["src/a.ts writes t, as does actors/b.ts"],
    },
    {
      tree: { "src/a.ts": "sql`insert into slotbase.t`" },
      exceptions: { t: "a reason" },
      says: ["t is an exception that is not needed"],
    },
  ],
  kept: [
    {
      tree: { "src/a.ts": "sql`insert into slotbase.t`", "src/b.ts": "sql`delete from slotbase.t`" },
      exceptions: { t: "a reason" },
    },
    { tree: { "src/a.ts": "sql`insert into slotbase.t`; sql`delete from slotbase.t`", "src/b.ts": "// slotbase.t" } },
  ],
}

function tablesOf({ text }: Source): string[] {
  const tables = writesIn(text).map(({ table }) => table ?? "a table without a name")
  return [...new Set(tables)].sort()
}

function saidBy({ text }: Source): string[] {
  const opening = openingOf(text).replace(/\([^)]*\)/g, "")
  const said = /\bWrites:\s([^.]*)\./.exec(opening)?.[1] ?? ""
  return said
    .split(/,|\sand\s/)
    .map((each) => each.trim())
    .filter((each) => each !== "")
    .sort()
}
