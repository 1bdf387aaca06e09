/** The origin of what follows from an event: caused by it, in the same correlation. */
import type { EventRow } from "./envelope.ts"
import type { EventContext } from "./outbox.ts"

export const causedBy = (
  event: Pick<EventRow, "id" | "correlation_id" | "user_id">,
  environment: EventContext["environment"],
): EventContext => ({
  environment,
  correlationId: event.correlation_id,
  causationId: event.id,
  ...(event.user_id !== null && { userId: event.user_id }),
})
