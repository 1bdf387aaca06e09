/**
 * What has changed in a calendar of Outlook, by delta queries over its calendar view. Graph names the occurrences of a
 * series by their times alone, and says nothing of an occurrence that was deleted. So a series that changed is read
 * whole. The properties of our own entries are not part of these lists, so entries are read by themselves.
 */
import type { NextToken, RemoteEvent, RemotePage } from "#outbound/calendars/provider.ts"
import { type GraphEvent, seriesText } from "./event-text.ts"
import { etagOf, eventsIn, eventsOf, remoteOf } from "./events.ts"
import type { GraphPage, OutlookApi } from "./outlook-api.ts"

const dayMs = 24 * 60 * 60_000
/** A view has a fixed time. It is made anew by the full reading of each day. */
const behindMs = dayMs
const aheadMs = 368 * dayMs

interface FoundSeries {
  master: GraphEvent | undefined
  readonly occurrences: GraphEvent[]
}

export async function* outlookChanges(
  api: OutlookApi,
  now: number,
  token: string | null,
  versionOf: (remoteId: string) => string | undefined,
): AsyncGenerator<RemotePage, NextToken> {
  const time = { from: new Date(now - behindMs).toISOString(), until: new Date(now + aheadMs).toISOString() }
  const isFull = token === null
  const own = new Map<string, GraphEvent>()
  if (isFull) for await (const event of eventsOf(api.own(time.from))) own.set(event.id, event)
  const series = new Map<string, FoundSeries>()
  let next: string | undefined
  for await (const page of api.changes(token, time)) {
    next = page["@odata.deltaLink"]
    const there = sortOut(page, series)
    const isKnown = (event: GraphEvent) => etagOf(event) !== null && versionOf(event.id) === etagOf(event)
    const changed = there.filter((event) => !isKnown(event))
    const events: RemoteEvent[] = []
    const gone: string[] = []
    for (const event of changed) {
      const whole = own.get(event.id) ?? (mayBeOurs(event, versionOf) && !isFull ? await api.get(event.id) : event)
      if (whole) events.push(remoteOf(whole))
      else gone.push(event.id)
    }
    const removed = eventsIn(page)
      .filter((event) => event["@removed"])
      .map(({ id }) => id)
    yield { events, unchanged: there.filter(isKnown).map(({ id }) => id), removed: [...removed, ...gone] }
  }
  for (const [id, found] of series) {
    const whole = await wholeSeries(api, id, found, isFull, time)
    yield { events: whole ? [whole] : [], unchanged: [], removed: whole ? [] : [id] }
  }
  return next
}

/** The single events of a page. Those of series are put to their series. */
function sortOut(page: GraphPage, series: Map<string, FoundSeries>): GraphEvent[] {
  const seriesOf = (id: string) => {
    const found = series.get(id) ?? { master: undefined, occurrences: [] }
    series.set(id, found)
    return found
  }
  return eventsIn(page).filter((event) => {
    if (event["@removed"]) return false
    if (event.seriesMasterId) seriesOf(event.seriesMasterId).occurrences.push(event)
    else if (event.type === "seriesMaster") seriesOf(event.id).master = event
    else return true
    return false
  })
}

/** Some program made it with a transaction id, or it is known. */
const mayBeOurs = ({ id, transactionId }: GraphEvent, versionOf: (remoteId: string) => string | undefined) =>
  Boolean(transactionId) || versionOf(id) !== undefined

async function wholeSeries(
  api: OutlookApi,
  id: string,
  found: FoundSeries,
  isFull: boolean,
  time: { readonly from: string; readonly until: string },
): Promise<RemoteEvent | undefined> {
  const master = (isFull ? found.master : undefined) ?? (await api.get(id))
  if (!master) return undefined
  const occurrences = isFull ? found.occurrences : []
  if (!isFull) for await (const each of eventsOf(api.instances(id, time))) occurrences.push(each)
  const ical = seriesText(master, occurrences)
  return ical === undefined ? undefined : { remoteId: id, etag: etagOf(master), ical }
}
