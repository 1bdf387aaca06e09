/**
 * slotbase webhooks: `listen` forwards a facility's live events to an address of this machine, signed like a webhook's.
 * `trigger` sends a sample to a webhook, or to the listeners.
 */
import * as Schema from "effect/Schema"
import { clock } from "#base/clock.ts"
import type { Config } from "#base/config.ts"
import { connect, type Db } from "#base/database/db.ts"
import { reachDatabase } from "#base/database/open.ts"
import { checkUrl } from "#base/egress/fetch.ts"
import { RuleBroken } from "#base/errors.ts"
import { isId, platformFacilityId } from "#base/ids.ts"
import { definitionOf, type EventType } from "#events/catalogue.ts"
import { typesMeantBy } from "#events/patterns.ts"
import { SigningSecret } from "#outbound/webhooks/input.ts"
import { valuesOf, wordsOf } from "./arguments.ts"
import type { Command } from "./command.ts"
import { requireMigrated } from "./require-migrated.ts"
import { type ChosenFacility, forwardNetworks, listenForEvents } from "./webhooks-listen.ts"
import { triggerListeners, triggerWebhook } from "./webhooks-trigger.ts"

const taken = {
  name: "webhooks",
  words: ["action", "type"],
  options: ["--forward", "--facility", "--events", "--secret", "--webhook"],
}
const use = `./scripts/slotbase webhooks listen [--forward http://localhost:4000/hook] [--facility ID] [--events a,b] [--secret whsec_…]
./scripts/slotbase webhooks trigger TYPE [--webhook ID | --facility ID]`
const optionsOfAction: Readonly<Record<string, readonly string[]>> = {
  listen: ["--forward", "--facility", "--events", "--secret"],
  trigger: ["--webhook", "--facility"],
}

export const webhooks: Command = {
  ...taken,
  description: "webhooks listen: forward live events to this machine; webhooks trigger TYPE: send a sample",
  run: async (config, args) => {
    const [action = "", type, ...more] = wordsOf(taken, args)
    const values = valuesOf(taken, args)
    const known = Object.hasOwn(optionsOfAction, action) ? optionsOfAction[action] : undefined
    const isWhole = action === "listen" ? type === undefined : type !== undefined
    const foreign = Object.keys(values).find((option) => !known?.includes(option))
    if (known === undefined || !isWhole || more.length > 0 || foreign !== undefined) {
      if (foreign !== undefined && known) console.error(`webhooks ${action} does not take ${foreign}.`)
      console.error(use)
      return 2
    }
    const database = await reachDatabase(config)
    const db = connect(database.url, { max: 2, applicationName: `slotbase webhooks ${action}` })
    try {
      await requireMigrated(database.url)
      await clock.follow(db)
      return action === "listen" ? await listen(db, config, values) : await trigger(db, config, type ?? "", values)
    } finally {
      await db.end()
      await database.stop()
    }
  },
}

type Values = Readonly<Record<string, string>>

async function listen(db: Db, config: Config, values: Values): Promise<number> {
  const named = values["--events"]?.split(",").map((type) => type.trim())
  const unknown = named?.find((type) => typesOf(type).length === 0)
  if (unknown !== undefined) return refuse(noType(unknown))
  const types = named && [...new Set(named.flatMap(typesOf))]
  const facility = await facilityFor(db, values["--facility"])
  if (typeof facility === "string") return refuse(facility)
  const forward = values["--forward"]
  const refused = forward === undefined ? undefined : await refusalOf(forward, config)
  if (refused !== undefined) return refuse(`--forward: ${refused}`)
  const secret = values["--secret"]
  if (secret !== undefined && !Schema.is(SigningSecret)(secret))
    return refuse("--secret is not one that a webhook may have: docs/webhook-configuration.md says which ones may be.")
  return listenForEvents(db, config, {
    facility,
    ...(types && { types }),
    ...(forward !== undefined && { forward }),
    ...(secret !== undefined && { secret }),
  })
}

/** Of a name, or of a pattern of webhooks such as `booking.*`. */
const typesOf = (name: string): readonly EventType[] =>
  definitionOf(name) === undefined ? typesMeantBy([name]) : [name as EventType]

/** Why nothing could ever be sent to the address. */
const refusalOf = (forward: string, config: Config) =>
  checkUrl(forward, forwardNetworks(config)).then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof RuleBroken) return error.message
      throw error
    },
  )

async function trigger(db: Db, config: Config, type: string, values: Values): Promise<number> {
  if (definitionOf(type) === undefined) return refuse(noType(type))
  const webhookId = values["--webhook"]
  if (webhookId !== undefined && !isId(webhookId)) return refuse(`"${webhookId}" is no id of a webhook.`)
  if (webhookId !== undefined) return triggerWebhook(db, config, webhookId, type as EventType)
  const facility = await facilityFor(db, values["--facility"])
  return typeof facility === "string" ? refuse(facility) : triggerListeners(db, facility, type as EventType)
}

/** The named facility, or the only one. A text is a refusal. */
async function facilityFor(db: Db, id: string | undefined): Promise<ChosenFacility | string> {
  if (id !== undefined && !isId(id)) return `"${id}" is no id of a facility.`
  const found = await db<ChosenFacility[]>`
    select id, name from slotbase.facilities ${id === undefined ? db`` : db`where id = ${id}`}
    order by id limit ${shownFacilities + 1}`
  const [first] = found.filter(({ id }) => id !== platformFacilityId)
  if (!first) return id === undefined ? "There is no facility yet." : `There is no facility ${id}.`
  const others = found.filter(({ id }) => id !== platformFacilityId)
  if (others.length === 1) return first
  const list = others.slice(0, shownFacilities).map(({ id, name }) => `  --facility ${id}   ${name}`)
  return ["Which facility?", ...list, ...(others.length > shownFacilities ? ["  …"] : [])].join("\n")
}

const shownFacilities = 10

const noType = (type: string) => `There is no event type "${type}". GET /v1/event-types lists them.`

function refuse(why: string): number {
  console.error(why)
  return 2
}
