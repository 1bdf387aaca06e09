/**
 * The stage of the demo: a running server's public API, and the movable clock of a demo database. Every request could
 * also be made with curl. The demo prints each one with the events that it recorded.
 */
import { clock } from "#base/clock.ts"
import type { Db } from "#base/database/db.ts"
import { say } from "./banner.ts"
import { type Answered, openRuleBook, type RuleBook } from "./rule-book.ts"

export interface StageActor {
  readonly id: string
  readonly name: string
  readonly email: string
  token: string
}

/** The password of every person in the demo. */
export const password = "a demo password of some length"

export type Body = Readonly<Record<string, never>> & ReturnType<typeof JSON.parse>

interface Reply extends Answered {
  readonly body: Body
  /** The ids of the events that the request recorded. */
  readonly events: readonly string[]
}

export interface Stage extends RuleBook {
  readonly db: Db
  /** The platform's administrator for the length of the demo: the demo has access to the database. */
  readonly root: StageActor
  /** Prints a line of the story. */
  readonly say: (line: string) => void
  /** Calls the API as a person, whatever it answers. Prints nothing. */
  readonly ask: (who: StageActor | null, method: string, path: string, body?: unknown) => Promise<Reply>
  /** Calls and prints. Throws the problem document, unless the answer has the expected `refused` status. */
  readonly call: (
    who: StageActor | null,
    method: string,
    path: string,
    body?: unknown,
    refused?: number,
  ) => Promise<Body>
  /** Repeats a question until its answer is the expected one. */
  readonly until: <T>(what: string, ask: () => Promise<T>, isSo: (answer: T) => boolean) => Promise<T>
  /** Moves the demo's clock forward to an instant; does nothing when the instant has passed. */
  readonly moveTo: (instant: Date) => Promise<void>
  readonly now: () => Promise<Date>
  /** Signs a person in again, because sessions end after a month. */
  readonly signIn: (who: StageActor) => Promise<void>
  /** Runs a scheduled job by hand and waits for its end. */
  readonly job: (name: string) => Promise<void>
}

const patienceMs = 60_000
const triesOfJob = 3
const ends: ReadonlySet<string> = new Set(["succeeded", "failed", "lost", "skipped"])
const askEveryMs = 50

/**
 * @param openRoot Opens a session of the root user.
 * @param pauseMs The pause before each request, milliseconds.
 * @param shown Whether the requests and the moves of the clock are printed.
 */
export async function setStage(
  db: Db,
  address: string,
  openRoot: () => Promise<string>,
  { pauseMs = 0, shown = true }: { readonly pauseMs?: number; readonly shown?: boolean },
): Promise<Stage> {
  const root: StageActor = { id: "root", name: "The platform", email: "", token: await openRoot() }

  const ask: Stage["ask"] = async (who, method, path, body) => {
    const form = body instanceof FormData
    const answer = await fetch(`${address}${path}`, {
      method,
      headers: {
        ...(who && { authorization: `Bearer ${who.token}` }),
        ...(body !== undefined && !form && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body: form ? body : JSON.stringify(body) }),
    })
    const text = await answer.text()
    const parsed = text === "" ? {} : JSON.parse(text)
    const events = answer.headers.get("x-slotbase-event-ids")?.split(",") ?? []
    return { status: answer.status, code: answer.ok ? undefined : parsed.code, body: parsed, events }
  }

  const call: Stage["call"] = async (who, method, path, body, refused) => {
    if (pauseMs > 0) await Bun.sleep(pauseMs)
    const { status, code, body: answered, events } = await ask(who, method, path, body)
    if (shown && method !== "GET") {
      const did = events.length === 0 ? "" : ` · ${events.length} event${events.length === 1 ? "" : "s"}`
      say(`  ${status}  ${method.padEnd(6)} ${shortened(path)}${did}${code ? ` · ${answered.detail}` : ""}`)
    }
    if (status < 300 ? refused !== undefined : status !== refused) {
      throw new Error(`${method} ${path} answered ${status}: ${JSON.stringify(answered)}`)
    }
    return answered
  }

  const until: Stage["until"] = async (what, ask, isSo) => {
    const deadline = performance.now() + patienceMs
    for (;;) {
      const answer = await ask()
      if (isSo(answer)) return answer
      if (performance.now() > deadline) throw new Error(`${what} did not happen: ${JSON.stringify(answer)}`)
      await Bun.sleep(askEveryMs)
    }
  }

  const now = async () => {
    const [row] = await db<[{ now: Date }]>`select slotbase.now() as now`
    return row.now
  }

  return {
    ...openRuleBook(say),
    db,
    root,
    say,
    ask,
    call,
    until,
    now,
    async moveTo(instant) {
      const aheadMs = instant.getTime() - (await now()).getTime()
      if (aheadMs <= 0) return
      await db`select slotbase.move_clock(${aheadMs}::double precision * interval '1 ms')`
      await clock.follow(db)
      if (shown) say(`\n  The clock moves to ${instant.toISOString()}.`)
    },
    async signIn(who) {
      const { email } = who
      who.token =
        who === root ? await openRoot() : (await call(null, "POST", "/v1/sessions", { email, password })).token
    },
    async job(name) {
      // The program tries a run by hand once.
      for (let tries = 1; ; tries++) {
        const { id } = await call(root, "POST", `/v1/jobs/${name}/run`, {})
        const run = await until(
          `the job ${name}`,
          () => call(root, "GET", `/v1/jobs/${name}/runs/${id}`),
          ({ status }) => ends.has(status),
        )
        if (run.status === "succeeded") return
        if (tries === triesOfJob) throw new Error(`The job ${name} ended otherwise: ${JSON.stringify(run)}`)
      }
    },
  }
}

const shortened = (path: string) => path.replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{8}([0-9a-f]{4})/g, "…$1")
