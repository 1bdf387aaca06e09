// The demo: its Saturday shows each rule, and ends even. Its way back: the clock shows the real time again.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { connect } from "#base/database/db.ts"
import { rules } from "#demo/rule-book.ts"
import { operatorName } from "#events/operator.ts"
import { slotbaseWith } from "#test/harness/setup/command-line.ts"
import { emptyDatabase, type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import { freePort } from "#test/harness/setup/system.ts"

/** The Saturday takes some seconds, and more on a busy machine. */
const timeout = 120_000

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

const demo = (args: readonly string[], env: Record<string, string> = {}) =>
  slotbaseWith({ DATABASE_URL: database.url, ...env }, "demo", ...args)

const shift = async () => {
  const [row] = await database.db<[{ shift: string }]>`select shift::text from slotbase.clock`
  return row.shift
}

/** What each rule answers on the Saturday. */
const answers: Readonly<Record<(typeof rules)[number], string>> = {
  "agreed price": "200",
  "tax of a price line": "200",
  "coach in one place": "409 coach_taken",
  "least length": "422 too_short",
  "start grid": "422 off_grid",
  buffer: "409 slot_taken",
  "limit per person": "422 member_limit_reached",
  "title and note": "200",
  "question of the club": "422 question_unanswered",
  "change of a series": "200",
  "standing order": "200",
  waitlist: "200",
  "least amount of a card": "422 amount_not_chargeable",
  "currency in use": "409 currency_in_use",
  "import of members": "200",
  "list of members": "200",
  invitation: "202",
  "forgotten password": "202",
  sessions: "200",
  "end by the clock": "201",
  "range of a list": "200",
  "amount that can be moved": "422 amount_not_movable",
  "skipped hour": "200",
  "zone data": "200",
  "request without a decision": "200",
  "forfeited money": "200",
  "pause after a hold": "422 hold_paused",
  "closed over a booking": "200",
  "undone no-show": "200",
  "credit and debt": "200",
}

test(
  "on the demo's Saturday each rule bites once with its right answer; all accounts are even, and nobody is in two places",
  async () => {
    const played = await testDatabase()
    const env = { DATABASE_URL: played.url, PORT: String(await freePort()) }
    const { code, output } = await slotbaseWith(env, "demo", "--fast")
    const [uneven] =
      await played.db`select count(*)::integer as accounts from slotbase.money_balances where not conserved`
    const [elsewhere] = await played.db`select count(*)::integer as coaches from slotbase.coaches_in_two_places`
    await played.drop()
    const lines = output.split("\n").flatMap((line) => {
      const [, rule = "", answer = ""] = /^ {2}rule: ([^·]+) · [^·]+ · ([^·]+) · [^·]+$/.exec(line) ?? []
      return rule === "" ? [] : [[rule, answer]]
    })
    // A demo that ended early says why in its last lines.
    expect([output.split("\n").slice(-30).join("\n"), lines.sort()]).toEqual([
      expect.stringContaining("Rules: "),
      Object.entries(answers).sort(),
    ])
    expect(output).not.toContain("WRONG")
    expect(output).toContain(
      `Rules: ${rules.length} of ${rules.length} have bitten.\n` +
        "Money: 11 of 11 accounts are even.\nPlaces: 6 of 6 people are in one place at a time.\n",
    )
    expect(output).toContain("34 of the specification's 34 event types")
    expect([code, { ...uneven }, { ...elsewhere }]).toEqual([0, { accounts: 0 }, { coaches: 0 }])
  },
  timeout,
)

test("demo --back undoes the moves of two demos", async () => {
  await database.db`select slotbase.move_clock('33 days 04:05:06.7')`
  await database.db`select slotbase.move_clock('32 days')`
  expect(await demo(["--back"])).toEqual({
    code: 0,
    output:
      "The clock of this database was 65 days ahead. It shows the real time again.\n" +
      "The printed links have changed. Print them anew:\n  ./scripts/slotbase links\n",
  })
  expect(await shift()).toBe("00:00:00")
  const [moved] = await database.db`
    select before, after, actor_kind, database_user = session_user as is_session, user_agent
    from slotbase.audit_log where action = 'clock.changed' and user_agent like 'slotbase demo --back%'`
  expect({ ...moved }).toEqual({
    before: { shift: "65 days 04:05:06.7" },
    after: { shift: "00:00:00" },
    actor_kind: "database",
    is_session: true,
    user_agent: expect.stringMatching(/^slotbase demo --back, by uid \d+ on /),
  })
})

test("demo --back says that the clock already shows the real time", async () => {
  expect(await demo(["--back"])).toEqual({ code: 0, output: "The clock of this database shows the real time.\n" })
})

test("outside development the clock is not moved back", async () => {
  await database.db`select slotbase.move_clock('1 day')`
  expect(await demo(["--back"], { SLOTBASE_ENV: "production" })).toEqual({
    code: 1,
    output: 'The demo moves the clock of the database, and SLOTBASE_ENV is "production".\n',
  })
  expect(await shift()).toBe("1 day")
})

test("a database without the schema is named with the command to type", async () => {
  const empty = await emptyDatabase()
  const { code, output } = await slotbaseWith({ DATABASE_URL: empty.url }, "demo", "--back")
  await empty.drop()
  expect({ code, output }).toEqual({
    code: 1,
    output: expect.stringMatching(
      /^The database lacks \d+ migrations: run \.\/scripts\/start, or only \.\/scripts\/slotbase migrate\.\n$/,
    ),
  })
})

test("a demo that finds no server and can start none says so in one sentence", async () => {
  const port = await freePort()
  const other = Bun.serve({ hostname: "127.0.0.1", port, fetch: () => new Response("", { status: 404 }) })
  const { code, output } = await demo(["--fast"], { PORT: String(port) })
  await other.stop(true)
  expect(code).toBe(1)
  expect(output).not.toContain("    at ")
  expect(output).toContain(
    "No server could be started for the demo. If SlotBase already runs, set PORT to its port, such as PORT=3001.\n",
  )
})

test(
  "a second demo at once is refused, and so is the way back: the first needs the clock",
  async () => {
    const playing = connect(database.url, { max: 1, applicationName: operatorName("slotbase demo") })
    try {
      await playing`select 1`
      const says = "A demo plays in this database already, and moves its clock: wait for its end.\n"
      expect(await demo(["--fast"])).toEqual({ code: 1, output: says })
      expect(await demo(["--back"])).toEqual({ code: 1, output: says })
    } finally {
      await playing.end()
    }
    await eventually(async () => expect((await demo(["--back"])).code).toBe(0))
  },
  timeout,
)
