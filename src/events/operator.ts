/** The operator at the command line, or of a start, as the events and the audit trail name them. */
import { hostname, userInfo } from "node:os"
import { newId, rootUserId } from "#base/ids.ts"
import type { EventContext } from "./outbox.ts"

/** The user of the operating system is named by its number, because Bun takes the name from $USER. */
export const operatorName = (program: string) => `${program}, by uid ${userInfo().uid} on ${hostname()}`

/** Anyone with access to the database may do anything in it. The root user is the recorded actor. */
export const operatorContext = (environment: EventContext["environment"], program: string): EventContext => ({
  environment,
  correlationId: newId(),
  userId: rootUserId,
  userAgent: operatorName(program),
})
