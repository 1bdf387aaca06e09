// Turns a row of the matrix into calls, each with its expected result. Each caller acts on somebody's thing, their own,
// their child's, and across facilities.

import { openSession } from "#access/sessions.ts"
import { answerFaults } from "#test/harness/openapi/answers.ts"
import { bodyOf, operationsOf } from "#test/harness/openapi/document.ts"
import { IdOf, smallest } from "#test/harness/openapi/values.ts"
import { callers, type Letter } from "./callers.ts"
import type { More, Row } from "./row.ts"
import type { Place, Scene, World } from "./scene.ts"
import { makeThing } from "./things.ts"

/**
 * "may": the call reaches the command. The command succeeds, or answers the state that the row names. Otherwise the
 * status of the refusal, or the fault of the call.
 */
export type Verdict = "may" | 401 | 403 | 404 | string

export interface Call {
  readonly caller: Letter
  readonly about:
    | "somebody's"
    | "their own"
    | "their child's"
    | "a child's of theirs who may not"
    | "elsewhere"
    | "one from elsewhere"
  readonly expected: Verdict
}

const letters = Object.keys(callers) as Letter[]
const ofHere = [..."OASCMRK"] as Letter[]

export function callsOf([route, may, more = {}]: Row): Call[] {
  const inFacility = route.includes("/:facilityId") && !more.readsNothing
  const refused = more.refused ?? 403
  const calls: Call[] = letters.map((caller) => ({ caller, about: "somebody's", expected: expectedOf(caller) }))
  for (const caller of [...(more.own ?? "")] as Letter[]) calls.push({ caller, about: "their own", expected: "may" })
  if (more.child) {
    calls.push({ caller: "R", about: "their child's", expected: "may" })
    calls.push({ caller: "R", about: "a child's of theirs who may not", expected: more.unpermitted ?? refused })
  }
  if (inFacility) calls.push(...ofHere.map((caller): Call => ({ caller, about: "elsewhere", expected: 404 })))
  const named = thingsIn(route)
  if (inFacility && named.length > 0 && !named.some(({ part }) => nameless.includes(part))) {
    const highest = letters.filter((letter) => may.includes(letter)).slice(0, 2)
    calls.push(...highest.map((caller): Call => ({ caller, about: "one from elsewhere", expected: 404 })))
  }
  return calls

  function expectedOf(caller: Letter): Verdict {
    if (may.includes(caller)) return "may"
    if (caller === "N") return more.nobody ?? 401
    return (inFacility && "XZ".includes(caller)) || more.hidden?.includes(caller) ? 404 : refused
  }
}

/**
 * Makes one call and reports a refusal that wrote. `things` are shared by the calls of a row, except things that can be
 * used only once.
 */
export async function verdictOf(
  world: World,
  row: Row,
  call: Call,
  things: Map<string, Promise<string>>,
): Promise<{ readonly found: Verdict; readonly succeeded: boolean }> {
  const place = call.about === "elsewhere" ? world.elsewhere : world.here
  const origin = call.about === "one from elsewhere" ? world.elsewhere : place
  const { caller } = call
  const token = row[2]?.signsOut ? await anotherSession(world, caller) : world.tokens[caller]
  const attempt = { caller, token, place, origin, whose: whoseOf(world, call, origin) }
  const { status, body, wrote, undocumented } = await attemptOf(world, row, attempt, things, call.expected === "may")
  const found = undocumented ?? verdict({ status, body }, row[2] ?? {})
  return { found: status >= 400 && wrote ? `${found}, and wrote` : found, succeeded: status < 300 }
}

/** A call with all that it needs: who calls where, and whose thing of which facility. */
export interface Attempt {
  /** The letter decides about bodies that differ by caller. */
  readonly caller: Letter
  readonly token: string | null
  readonly place: Place
  readonly origin: Place
  readonly whose: string
}

interface Attempted {
  readonly status: number
  readonly body: unknown
  readonly sent: unknown
  readonly wrote: boolean
  /** What the document does not say about the answer. */
  readonly undocumented: string | undefined
}

/** Makes one call. `uses`: the call may use the thing up. */
export async function attemptOf(
  world: World,
  row: Row,
  { caller, token, place, origin, whose }: Attempt,
  things: Map<string, Promise<string>>,
  uses: boolean,
): Promise<Attempted> {
  const [route, , more = {}] = row
  const [method = "", path = ""] = route.split(" ")
  const params: Record<string, string> = { facilityId: place.id }
  const wanted = [...thingsIn(route), ...(more.about ? [{ part: more.about, name: more.about }] : [])]
  for (const { name, part } of wanted) {
    const make = () => makeThing(more.madeAs?.[part] ?? part, world, origin, whose)
    const key = `${part} ${origin.id} ${whose}`
    if (method === "DELETE" && uses) params[name] = await make()
    else {
      const made = things.get(key) ?? make()
      things.set(key, made)
      params[name] = await made
    }
  }
  const scene: Scene = { world, place, caller, whose, params }
  const address = `${path}${more.query ? `?${more.query}` : ""}`.replace(
    /:(\w+)/g,
    (_, name: string) => params[name] ?? "",
  )
  const body = more.form?.() ?? bodyFor(scene, route, more)
  const before = await world.written()
  const answer = await sentTo(scene, method, address, token, body, more.headers)
  const [undocumented] = answerFaults(world.document, { method, path: address, ...answer })
  return { ...answer, undocumented, sent: body, wrote: (await world.written()) !== before }
}

async function sentTo(
  { world }: Scene,
  method: string,
  address: string,
  token: string | null,
  body: unknown,
  given: More["headers"] = {},
) {
  if (!(body instanceof FormData))
    return world.api.call(method, address, { token, headers: given, ...(body !== undefined && { body }) })
  const headers = token === null ? {} : { authorization: `Bearer ${token}` }
  const request = new Request(`http://slotbase.test${address}`, { method, headers, body })
  const answer = await world.api.server.handle(request)
  return { status: answer.status, body: await answer.json() }
}

async function anotherSession({ api, ids, tokens }: World, caller: Letter): Promise<string | null> {
  if ("PKN".includes(caller)) return tokens[caller]
  const user = { id: ids[caller], email: "", firstName: "", lastName: "" }
  return (await api.database.db.begin((tx) => openSession(tx, user))).token
}

/** The ids in the address, each with the part before it. */
export const thingsIn = (route: string) =>
  [...route.matchAll(/\/([\w-]+)\/:(\w+)/g)]
    .map(([, part = "", name = ""]) => ({ part, name }))
    .filter(({ name }) => name !== "facilityId")

/** These things have fixed names that are the same in every facility. */
const nameless = ["samples", "jobs", "event-types", "users", "message-templates"]

function whoseOf(world: World, { caller, about }: Call, origin: Place): string {
  if (about === "their own") return world.ids[caller]
  if (about === "their child's") return world.child
  if (about === "a child's of theirs who may not") return world.forbiddenChild
  return origin.somebody.id
}

function bodyFor(scene: Scene, route: string, more: More): unknown {
  if (more.body) return more.body(scene)
  const operation = operationsOf(scene.world.document).find(({ name }) => name === route.replace(/:(\w+)/g, "{$1}"))
  const schema = operation && bodyOf(operation)
  return (
    schema &&
    filled(
      scene,
      smallest(scene.world.document, schema, () => undefined),
    )
  )
}

function filled(scene: Scene, value: unknown): unknown {
  if (value instanceof IdOf) return idFor(scene, value.name)
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value
  const hour = scene.world.freeHour()
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, name in hour ? hour[name as "startAt"] : filled(scene, inner)]),
  )
}

function idFor({ place, whose }: Scene, name: string): string {
  if (name === "resourceId") return place.court
  return name === "facilityId" || name === "scopeId" ? place.id : whose
}

function verdict({ status, body }: { readonly status: number; readonly body: unknown }, more: More): Verdict {
  if (status < 300) return "may"
  if (status === 401 || status === 403 || status === 404) return status
  const refusal = `${status} ${(body as { code?: string } | undefined)?.code}`
  return refusal === more.meets || refusal === more.orElse ? "may" : `${refusal}: ${JSON.stringify(body)}`
}
