/** Refuses all requests but those for health, until the database is ready for them. Nothing of them is carried out. */
import { Elysia } from "elysia"
import { Unavailable } from "#base/errors.ts"
import { startPhase } from "#base/start-phase.ts"
import { comeBackLater, isEventStream } from "./event-streams.ts"

const answered: ReadonlySet<string> = new Set(["/healthz", "/readyz"])
const retryAfterSeconds = 2

/** Comes after `limitRequests`, so that a refused request counts as any other. */
export const untilStarted = () =>
  new Elysia({ name: "until-started" }).onRequest(({ request, server }) => {
    const says = startPhase.says()
    const path = pathOf(request.url)
    if (says === undefined || answered.has(path)) return
    if (request.method === "GET" && isEventStream(path)) return comeBackLater({ request, server }, startPhase.end())
    throw new Unavailable("starting", `${says} Nothing of the request was carried out.`, retryAfterSeconds)
  })

const pathOf = (url: string) => URL.parse(url)?.pathname ?? ""
