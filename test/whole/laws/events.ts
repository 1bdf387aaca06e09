/**
 * Events are facts. `record` in the outbox inserts them, and slotbase.record_event() inserts those of SQL. Events are
 * never changed or deleted; retention drops whole partitions.
 */

import { type Law, product, type Source, schema, type Violation } from "./law.ts"
import { functionAround, type Write, writesIn, writesOf } from "./reading/sql.ts"

const outbox = "src/events/outbox.ts"
const recorder = "slotbase.record_event"

export const eventsLaw: Law = {
  name: `events are inserted by ${outbox} and by ${recorder}(), and never changed`,
  reads: [product, schema],
  check: (sources) => {
    const found = sources.flatMap((source) => writesOfEvents(source).map((write) => ({ source, write })))
    const wrong = found
      .filter(({ source, write }) => !mayInsert(source, write))
      .map(({ source, write }): Violation => ({ file: source.path, says: `has "${write.verb}" of events` }))
    const recorded = found.some(({ source }) => source.path === outbox)
    return recorded ? wrong : [...wrong, { file: outbox, says: "does not insert events" }]
  },
  broken: [
    { tree: { "src/events/outbox.ts": "// insert into slotbase.events" }, says: [`${outbox} does not insert events`] },
    {
      tree: {
        "src/events/outbox.ts": "sql`insert into slotbase.events (id) values (1)`",
        "src/base/a.ts": 'sql`INSERT\n\tinto "slotbase" . "events" (id) values (1)`',
        "src/base/b.ts": "sql`insert into Slotbase.Events (id) values (1)`",
        "actors/c.ts": 'const text = "insert into slotbase.events values (1)"',
        "actors/d.ts": "sql`insert into events (id) values (1)`",
      },
      says: [
        'src/base/a.ts has "insert" of events',
        'src/base/b.ts has "insert" of events',
        'actors/c.ts has "insert" of events',
        'actors/d.ts has "insert" of events',
      ],
    },
    {
      tree: {
        "src/events/outbox.ts": "sql`insert into slotbase.events values (1)`; sql`update slotbase.events e set id = 2`",
        "actors/a.ts": "sql`with gone as (delete from only slotbase.events returning id) select * from gone`",
        "actors/b.ts": "sql`truncate slotbase.events`",
        "actors/c.ts": "sql`merge into slotbase.events using x on true when matched then delete`",
      },
      says: [
        `${outbox} has "update" of events`,
        'actors/a.ts has "delete" of events',
        'actors/b.ts has "truncate" of events',
        'actors/c.ts has "merge" of events',
      ],
    },
    {
      tree: {
        "src/events/outbox.ts": "sql`insert into slotbase.events values (1)`",
        "sql/a.sql": "insert into slotbase.events values (1);",
        "sql/b.sql":
          "create function slotbase.record_event() as $$ insert into slotbase.events values (1) $$;\n" +
          "create function slotbase.other() as $x$ insert into slotbase.events values (1) $x$;",
        "sql/c.sql": "create function slotbase.record_event() as $$ delete from slotbase.events $$;",
      },
      says: [
        'sql/a.sql has "insert" of events',
        'sql/b.sql has "insert" of events',
        'sql/c.sql has "delete" of events',
      ],
    },
  ],
  kept: [
    {
      tree: {
        "src/events/outbox.ts": "sql`insert into slotbase.events (id) values (1)`",
        "src/events/mirror.ts": "sql`insert into slotbase.event_types (type) values (1)`",
        "actors/jobs/retention.ts": "sql`drop table slotbase.events_2026_01` // delete from slotbase.events",
        "sql/a.sql":
          "comment on table slotbase.events is 'Nothing may delete from slotbase.events.';\n" +
          "create or replace function slotbase.record_event(a int default 1) returns int language sql as $$\n" +
          "  -- never update slotbase.events set\n  insert into slotbase.events values (1) $$;",
      },
    },
  ],
}

function writesOfEvents({ path, text }: Source): Write[] {
  const writes = path.endsWith(".sql") ? writesOf(text, true) : writesIn(text)
  return writes.filter(({ table }) => table === "events")
}

function mayInsert({ path, text }: Source, { verb, at }: Write): boolean {
  if (verb !== "insert") return false
  return path.endsWith(".sql") ? functionAround(text, at) === recorder : path === outbox
}
