/**
 * A task of a child process: renders a facility's own template. No template can read a file, call a method or see what
 * is not in its view. What an output inserts is escaped for the content type, so that a name with a quotation mark
 * cannot break a JSON text. The filter `json` writes a whole value, with its quotation marks.
 */
import { filters as builtIn, type FilterImplOptions, Liquid } from "liquidjs"
import { depthFault, liquidFaultOf } from "#base/liquid-fault.ts"
import { instantAt, offsetAt } from "#base/zones/wall-clock.ts"
import { escapeFor, isJson } from "#outbound/webhooks/formats/content-type.ts"
import { jsonFaultPlace } from "#outbound/webhooks/formats/json-fault.ts"
import {
  maxRenderedLength,
  maxTemplateDepth,
  maxTemplateLength,
  type RenderAnswer,
  type RenderRequest,
  renderMs,
} from "#outbound/webhooks/formats/template-limits.ts"

export default function renderOne(request: RenderRequest): RenderAnswer {
  const { template, contentType, view } = request
  const tooDeep = depthFault(template, maxTemplateDepth)
  if (tooDeep) return { fault: tooDeep }
  let text: string
  try {
    text = engineOf(request).parseAndRenderSync(template, view)
  } catch (error) {
    return { fault: liquidFaultOf(error) }
  }
  if (text.length > maxRenderedLength)
    return { fault: { message: `The template makes more than ${maxRenderedLength} characters.` } }
  return isJson(contentType) ? checkedJson(text) : { text: storable(text) }
}

function engineOf({ contentType, timezone, now }: RenderRequest): Liquid {
  const outputEscape = escapeFor(contentType)
  const engine = new Liquid({
    // In halves of UTF-16.
    parseLimit: 2 * maxTemplateLength,
    renderLimit: renderMs,
    // Characters and elements that filters and loops make.
    memoryLimit: 4_000_000,
    strictFilters: true,
    ownPropertyOnly: true,
    locale: "en-US",
    ...(outputEscape && { outputEscape }),
  })
  for (const tag of tagsOfFiles) delete engine.tags[tag]
  for (const name of filtersOfDates) delete engine.filters[name]
  engine.registerFilter("date", dateIn(timezone, now))
  engine.registerFilter("date_to_xmlschema", dateIn(timezone, now, "%Y-%m-%dT%H:%M:%S%:z"))
  engine.registerFilter("date_to_rfc822", dateIn(timezone, now, "%a, %d %b %Y %H:%M:%S %z"))
  // What a filter with `raw` makes is not escaped again.
  const whole: FilterImplOptions = { raw: true, handler: (value: unknown) => JSON.stringify(value ?? null) }
  engine.registerFilter("json", whole)
  engine.registerFilter("jsonify", whole)
  return engine
}

/** They read files. Without them they are unknown tags, with line and column. */
const tagsOfFiles = ["include", "render", "layout", "block"]
/** They read the process's own zone. `date` with a format does the same. */
const filtersOfDates = ["date_to_string", "date_to_long_string"]

/**
 * The filter `date` in the facility's zone, by SlotBase's own zone data. A zone as a second argument is another zone.
 * A day without a time stays that day. A time without a zone is the facility's.
 */
function dateIn(timezone: string, now: number, fixed?: string): FilterImplOptions {
  return function (value: unknown, format: unknown, zone: unknown) {
    const own = typeof zone === "string" && fixed === undefined ? zone : timezone
    const at = instantOf(value, own, now)
    if (at === undefined) return value
    const east = Math.round(offsetAt(own, at) / minuteMs)
    return builtInDate.call(this, new Date(at).toISOString(), fixed ?? format, -east)
  }
}
const minuteMs = 60_000
const builtInDate = builtIn.date as (this: unknown, value: string, format: unknown, west: number) => unknown

/** Undefined: no date, and the filter leaves it as it is. */
function instantOf(value: unknown, timezone: string, now: number): number | undefined {
  if (value === "now" || value === "today") return now
  // Liquid counts seconds.
  if (typeof value === "number") return valid(value * 1000)
  if (typeof value !== "string") return undefined
  if (/^\d+$/.test(value)) return valid(Number(value) * 1000)
  if (/^\d{4}-\d\d-\d\d$/.test(value)) return local(Date.parse(value), timezone)
  if (/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?$/.test(value))
    return local(Date.parse(`${value.replace(" ", "T")}Z`), timezone)
  return /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:?\d\d)$/.test(value) ? valid(Date.parse(value)) : undefined
}

const local = (wall: number, timezone: string) =>
  valid(wall) === undefined ? undefined : instantAt(timezone, wall, "later")
/** Within the years 0 to 9999, which have an ISO form. */
const valid = (at: number) => (at > -62_167_219_200_000 && at < 253_402_300_800_000 ? at : undefined)

/** The body must be the JSON that its content type promises. */
function checkedJson(text: string): RenderAnswer {
  try {
    JSON.parse(text)
    return { text: storable(text) }
  } catch (error) {
    const { message } = error as Error
    // The template has another line and column: one line of it may make many.
    const { line, column } = jsonFaultPlace(text)
    const from = text.split("\n", line - 1).join("\n").length + column - shownBefore
    const shown = `${from > 0 ? "…" : ""}${text.slice(Math.max(0, from), Math.max(0, from) + shownLength)}`
    const where = `line ${line}, column ${column} of what it makes`
    return { fault: { message: `The template makes no valid JSON: ${where} (${message}). There: ${shown}` } }
  }
}
const shownLength = 150
const shownBefore = 75

/** PostgreSQL cannot hold NUL and lone surrogates. */
const storable = (text: string) => text.toWellFormed().replaceAll("\u0000", "\ufffd")
