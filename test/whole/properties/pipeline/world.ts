// The real system beside the model: processes with actors and deliverers on one database, and the program's commands.
// Processes crash, pause and come back. The world tells the model exactly the actions and their answers.

import { Deliverer } from "#actors/deliveries/deliverer.ts"
import { checkRecordedBySql } from "#actors/dispatch/check-recorded-by-sql.ts"
import { runHandler } from "#actors/runs/run-handler.ts"
import type { Actor } from "#actors/runtime/actor.ts"
import type { Db } from "#base/database/db.ts"
import { transact } from "#events/outbox.ts"
import type { App } from "#http/app.ts"
import { changeWebhook } from "#outbound/webhooks/webhooks.ts"
import { actorProcess, context, dispatchBy, pipelineApp, processRow } from "#test/harness/pipeline/pipeline.ts"
import { loopback } from "#test/harness/pipeline/webhooks.ts"
import { differences } from "./check.ts"
import type { MovableTime } from "./clock.ts"
import { type Passing, type Script, scriptedHandlers } from "./handlers.ts"
import { type HandlerName, handlerNames, type Model, type ModelWebhook } from "./model.ts"
import type { Answer, ScriptedReceiver } from "./receiver.ts"
import { readTables, type Tables } from "./tables.ts"

export interface Facility {
  readonly id: string
  readonly courts: readonly [string, string]
  readonly bookings: readonly string[]
}

export interface Process {
  readonly owner: number
  alive: boolean
  readonly stop: AbortController
  readonly actors: ReadonlyMap<HandlerName, Actor>
  readonly deliverer: Deliverer
  readonly passing: Map<HandlerName, Passing & { end?: Promise<void> }>
}

/** The interval of the actors' occasional polls, in milliseconds. */
const nowAndThenMs = 4_000
/** Longer than every wait between two attempts here. */
const longestWaitMs = 120_000
const maxPasses = 200
const maxRounds = 20

export interface Setting {
  readonly db: Db
  readonly time: MovableTime
  readonly receiver: ScriptedReceiver
  readonly facilities: readonly Facility[]
}

export class World {
  readonly app: App
  readonly processes: Process[] = []
  /** Processes that the others count as expired and that still run. */
  readonly zombies: Process[] = []
  /** Open transactions of DBAs at psql. */
  readonly open: { readonly end: (commit: boolean) => Promise<void> }[] = []

  constructor(
    readonly setting: Setting,
    readonly model: Model,
  ) {
    this.app = pipelineApp(setting.db)
  }

  get db(): Db {
    return this.setting.db
  }

  async start(): Promise<Process> {
    const owner = await processRow(this.db, true)
    const self = actorProcess(owner)
    const passing: Process["passing"] = new Map()
    const handlers = scriptedHandlers((name) => passing.get(name))
    const actors = handlers.map((each) => [each.name as HandlerName, runHandler(this.app, each, self)] as const)
    const { db, secrets } = this.app
    const deliverer = new Deliverer({
      db,
      secrets,
      allow: loopback,
      process: self,
      random: () => 0.5,
    })
    const process = { owner, alive: true, stop: new AbortController(), actors: new Map(actors), deliverer, passing }
    this.processes.push(process)
    return process
  }

  /** One dispatch, then the check of events recorded by SQL when the dispatch waits for it. */
  async dispatch(batch: number, locked?: ModelWebhook): Promise<void> {
    const { taken, waits } = this.model.next(batch)
    const pass = await this.dispatchOnce(batch)
    if (pass.dispatched !== taken.length || pass.waits_for_check !== waits)
      this.model.problems.push(`dispatched ${pass.dispatched}, not ${taken.length} (waits: ${pass.waits_for_check})`)
    this.model.dispatched(taken, locked)
    if (!waits) return
    await checkRecordedBySql(this.db)
    this.model.checkRecorded()
  }

  async dispatchOnce(batch: number) {
    // The floor moves at most once a second. Reset here, it can move at every dispatch.
    await this.db`update slotbase.outbox_floor set noted_at = '-infinity'`
    return dispatchBy(batch % 2 === 0 ? "dispatch" : "turn", this.db, batch)
  }

  /** Moves the timer on until the actors' occasional polls are due. */
  async later(): Promise<void> {
    await this.setting.time.pass(this.db, nowAndThenMs)
    for (const { deliverer } of this.processes) deliverer.requestScan()
  }

  /** Repeats passes until no work is left or a run pauses. */
  async handle(process: Process, handler: HandlerName, script: Script): Promise<void> {
    if (process.passing.has(handler)) return
    const passing: Passing & { end?: Promise<void> } = {
      model: this.model,
      handler,
      script,
      calls: [],
      isDead: () => !process.alive,
      frozen: Promise.withResolvers(),
    }
    process.passing.set(handler, passing)
    passing.end = this.#passUntilDone(process, handler)
    passing.end.catch(() => {})
    await Promise.race([passing.end, passing.frozen.promise])
    if (!passing.gate) this.#settled(process, passing)
  }

  async #passUntilDone(process: Process, handler: HandlerName): Promise<void> {
    for (let passes = 0; process.alive; passes++) {
      if (passes > maxPasses) throw new Error(`${handler} never comes to an end`)
      const { more } = await (process.actors.get(handler) as Actor).pass(process.stop.signal)
      if (!more) return
    }
  }

  #settled(process: Process, passing: Passing): void {
    for (const call of passing.calls)
      if (call.outcome === "done" || call.outcome === "skip" || !process.stop.signal.aborted) call.sure = true
    process.passing.delete(passing.handler)
  }

  /** Resumes paused runs; they settle when their process is still alive. */
  async wake(process: Process): Promise<void> {
    for (const passing of [...process.passing.values()]) {
      passing.gate?.resolve()
      // When the run was paused for too long, the server ended its transaction and the outcome is unknown.
      const ended = await passing.end?.then(
        () => true,
        () => false,
      )
      if (ended && process.alive) this.#settled(process, passing)
      process.passing.delete(passing.handler)
    }
  }

  /** The other processes count it as expired from now on; its work in progress may be lost. */
  async kill(process: Process): Promise<void> {
    process.alive = false
    await this.db`
      update slotbase.processes set alive_until = clock_timestamp() - interval '1 second' where id = ${process.owner}`
    this.processes.splice(this.processes.indexOf(process), 1)
    this.zombies.push(process)
    this.model.kills++
    for (const handler of process.passing.keys())
      for (const run of this.model.runs.values()) if (run.handler === handler) run.losses++
    await this.start()
  }

  /** The process stops cleanly: nothing may count as an attempt. */
  async stop(process: Process): Promise<void> {
    process.stop.abort()
    await this.wake(process)
    this.setting.receiver.calm()
    await process.deliverer.drain()
    process.alive = false
    await this.db`
      update slotbase.processes set alive_until = clock_timestamp() - interval '1 second' where id = ${process.owner}`
    this.processes.splice(this.processes.indexOf(process), 1)
    await this.start()
  }

  /** The expired processes resume, do their next step, and end. */
  async buryZombies(): Promise<void> {
    for (const zombie of this.zombies.splice(0)) {
      await this.wake(zombie)
      this.setting.receiver.calm()
      await zombie.deliverer.drain()
    }
  }

  /**
   * Delivers the waiting deliveries. When the receiver holds an answer back, this continues beside the next commands.
   */
  async deliver(process: Process, script: readonly Answer[]): Promise<void> {
    this.setting.receiver.script = script
    await process.deliverer.pass()
    if (!script.includes("hold") && this.setting.receiver.held() === 0) await process.deliverer.idle()
  }

  /** Compares the tables with the model; throws the differences. */
  async check(): Promise<Tables> {
    const { model, setting } = this
    const frozen = this.processes.reduce((sum, { passing }) => sum + passing.size, 0)
    model.under = { frozen, dead: this.zombies.length, open: this.open.length, held: setting.receiver.held() }
    for (const delivery of model.deliveries.values()) delivery.seen = delivery.requests.length
    const tables = await readTables(
      this.db,
      model.base,
      setting.facilities.map(({ id }) => id),
    )
    const found = differences(model, tables)
    if (found.length > 0) throw new Error(found.join("\n"))
    return tables
  }

  /** Continues until all possible work is done; the final state must then follow from the model. */
  async drain(): Promise<void> {
    for (const transaction of this.open.splice(0)) await transaction.end(true)
    this.setting.receiver.calm()
    for (const process of this.processes) await this.wake(process)
    await this.buryZombies()
    for (let round = 0; round < maxRounds; round++) {
      while (this.model.pending.length > 0) await this.dispatch(100)
      if (round === 0) await this.#resumeWebhooks()
      await this.later()
      const process = this.processes[round % this.processes.length] as Process
      await Promise.all([
        ...handlerNames.map((handler) => this.handle(process, handler, ["done"])),
        this.deliver(process, [200]),
      ])
      if (!(await this.#unfinished())) return
      await this.setting.time.move(this.db, longestWaitMs)
    }
    throw new Error(`something is never finished, in ${maxRounds} rounds`)
  }

  async #resumeWebhooks(): Promise<void> {
    const { db, secrets } = this.app
    for (const { facility, id, deleted } of this.model.webhooks)
      if (!deleted) await transact(db, context, (tx) => changeWebhook(tx, secrets, facility, id, { isActive: true }))
  }

  async #unfinished(): Promise<boolean> {
    const [left] = await this.db<[{ left: boolean }]>`
      select exists (select from slotbase.unfinished_runs where position > ${this.model.base})
          or exists (select from slotbase.delivery_queue where position > ${this.model.base}) as left`
    return left.left
  }

  /** Leaves nothing running after any case. */
  async end(): Promise<void> {
    for (const transaction of this.open.splice(0)) await transaction.end(false).catch(() => {})
    this.setting.receiver.calm()
    for (const process of this.processes) process.alive = false
    this.zombies.push(...this.processes.splice(0))
    await this.buryZombies()
    await this.db`update slotbase.processes set alive_until = clock_timestamp() - interval '1 second'`
    await this.db`update slotbase.handlers set ended = true where not ended`
    while ((await this.dispatchOnce(500)).dispatched > 0);
    await checkRecordedBySql(this.db)
    while ((await this.dispatchOnce(500)).dispatched > 0);
  }
}
