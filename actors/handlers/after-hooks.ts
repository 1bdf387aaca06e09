/**
 * AfterHooks runs the after hooks of this installation, each for its event. It is subscribed only to events with a
 * hook. At least once: when a hook fails, the whole run is retried. A hook can recognize the repetition by its key.
 */
import type { Hook, Hooks } from "#base/hooks.ts"
import type { AfterHook } from "#events/after-hook.ts"
import type { EventType } from "#events/catalogue.ts"
import { toDomainEvent } from "#events/envelope.ts"
import type { ExternalHandler } from "./handler.ts"

export function afterHooksHandler({ hooks = [] }: { readonly hooks?: Hooks }): ExternalHandler {
  const after = hooks.filter(isAfter)
  return {
    kind: "external",
    name: "AfterHooks",
    events: [...new Set(after.map(eventOf))],
    handle: async (event, { idempotencyKey, signal }) => {
      const due = after.filter((hook) => eventOf(hook) === event.type)
      if (due.length === 0) return { skipped: "no hook is registered for it any more" }
      const body = toDomainEvent(event)
      for (const hook of due) await hook.run(body, { signal, idempotencyKey: `${idempotencyKey}:${hook.name}` })
    },
  }
}

const isAfter = (hook: Hook): hook is AfterHook => hook.point.startsWith("after:")
const eventOf = ({ point }: AfterHook) => point.slice("after:".length) as EventType
