/** The events of Graph's lists, as events of a calendar. */
import { CalendarFailed, type RemoteEvent } from "#outbound/calendars/provider.ts"
import { type GraphEvent, outlookText } from "./event-text.ts"
import type { GraphPage } from "./outlook-api.ts"

/** The events of a page. @throws CalendarFailed */
export function eventsIn({ value = [] }: GraphPage): readonly GraphEvent[] {
  if (Array.isArray(value) && value.every((each) => typeof each?.id === "string")) return value
  throw new CalendarFailed("not_understood", "Microsoft's list of events is none.")
}

export async function* eventsOf(pages: AsyncGenerator<GraphPage>): AsyncGenerator<GraphEvent> {
  for await (const page of pages) yield* eventsIn(page)
}

export const etagOf = (event: GraphEvent): string | null => event["@odata.etag"] ?? null

export const remoteOf = (event: GraphEvent): RemoteEvent => ({
  remoteId: event.id,
  etag: etagOf(event),
  ical: outlookText(event),
})
