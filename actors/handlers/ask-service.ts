/**
 * How a handler meets the failures of a service outside. A busy service is asked again, as the same call. When it says
 * itself when, that uses up no retry, for a day at most. A refusal is a dead letter, which says what to do. The headers
 * of the handlers say what makes a repeated run harmless.
 */
import { ServiceBusy, ServiceRefused } from "#domain/agents/services/service.ts"
import { GiveUp, type HandledEvent, type Outcome, TryLater } from "./handler.ts"

export async function askingService(event: HandledEvent, work: () => Promise<string | undefined>): Promise<Outcome> {
  try {
    const skipped = await work()
    return skipped === undefined ? undefined : { skipped }
  } catch (error) {
    if (error instanceof ServiceRefused) throw new GiveUp(error.message, "service_refused")
    if (error instanceof ServiceBusy && error.retryAfterMs !== undefined && Date.now() - age(event) < patienceMs)
      throw new TryLater(error.message, Math.max(shortestPauseMs, error.retryAfterMs), "service_busy")
    throw error
  }
}

const age = ({ timestamp }: HandledEvent) => new Date(timestamp).getTime()
/** Also for a service that says none at all: it is asked, and paid, time and again. */
const shortestPauseMs = 5_000
const patienceMs = 24 * 60 * 60_000
