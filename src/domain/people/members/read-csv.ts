/**
 * Reads the text of a CSV file into lines with named columns. The delimiter is asked for, or it is the one with which
 * the column names are known: nothing is guessed from the data. The parser runs in a child process.
 */
import { join } from "node:path"
import * as Schema from "effect/Schema"
import { type BoundedTask, NotDone, runBounded } from "#base/bounded/run-bounded.ts"
import { RuleBroken } from "#base/errors.ts"
import { type Delimiter, delimiters, maxImportLines } from "./input.ts"

export const columns = ["firstName", "lastName", "email", "phone", "postalCode", "memberNumber"] as const
export type Column = (typeof columns)[number]
const required: readonly Column[] = ["firstName", "lastName"]

export interface CsvLine {
  /** From 1; the column names are line 1. */
  readonly line: number
  readonly fields: Readonly<Partial<Record<Column, string>>>
  /** The first field with a value that belongs to no column, from 1. */
  readonly beyond: number | undefined
}

export interface CsvFile {
  readonly delimiter: Delimiter
  readonly columns: readonly Column[]
  readonly lines: readonly CsvLine[]
}

const CsvAnswer = Schema.Union([
  Schema.Struct({
    records: Schema.Array(Schema.Struct({ line: Schema.Int, fields: Schema.Array(Schema.String) })),
  }),
  Schema.Struct({ fault: Schema.String, line: Schema.Int }),
])

const csvRecords: BoundedTask<
  { readonly csv: string; readonly delimiter: string; readonly most: number },
  typeof CsvAnswer.Type
> = {
  module: join(import.meta.dir, "../tasks/csv-records.ts"),
  timeMs: 5_000,
  decode: Schema.decodeUnknownSync(CsvAnswer),
}

/** @throws RuleBroken (csv_unreadable, csv_columns_unknown, csv_too_long), TooMany */
export async function readCsv(file: string, asked: Delimiter | undefined, facilityId: string): Promise<CsvFile> {
  const csv = file.replace(/^\ufeff/, "") // Spreadsheets begin a file in UTF-8 with a byte order mark.
  const names = csv.split(/\r\n|\n|\r/, 1)[0] ?? ""
  const delimiter =
    asked ?? delimiters.find((each) => unknownOf(names.split(each)).length === 0 && isWhole(names.split(each)))
  if (delimiter === undefined) throw columnsUnknown(names)
  const [head, ...rest] = await recordsOf(csv, delimiter, facilityId)
  const known = (head?.fields ?? []).map(columnOf)
  if (head === undefined || known.includes(undefined) || !isWhole(head.fields)) throw columnsUnknown(names)
  if (rest.length > maxImportLines) {
    const fault = { path: "body.csv", message: `must have at most ${maxImportLines} members` }
    throw new RuleBroken("csv_too_long", `The file has more than ${maxImportLines} members; import it in parts.`, [
      fault,
    ])
  }
  return {
    delimiter,
    columns: known.filter((column) => column !== undefined),
    lines: rest.map(({ line, fields }) => ({
      line,
      fields: named(known, fields),
      beyond: numberOf(fields.findIndex((value, i) => i >= known.length && value !== "")),
    })),
  }
}

async function recordsOf(csv: string, delimiter: Delimiter, facilityId: string) {
  const most = maxImportLines + 2
  const answer = await runBounded(csvRecords, { csv, delimiter, most }, facilityId).catch((error: unknown) => {
    if (error instanceof NotDone && error.reason !== "start") return { fault: error.reason, line: 0 }
    throw error
  })
  if ("records" in answer) return answer.records
  const fault = { path: "body.csv", message: `cannot be read in line ${answer.line}: ${answer.fault}` }
  throw new RuleBroken("csv_unreadable", `The file cannot be read from line ${answer.line} on.`, [fault])
}

const numberOf = (index: number) => (index < 0 ? undefined : index + 1)

/** Empty fields are left out. */
const named = (known: readonly (Column | undefined)[], fields: readonly string[]): CsvLine["fields"] =>
  Object.fromEntries(
    known.flatMap((column, i) => {
      const value = fields[i] ?? ""
      return column === undefined || value === "" ? [] : [[column, value]]
    }),
  )

/** In any letter case, with spaces, underscores or hyphens between the words. */
function columnOf(name: string): Column | undefined {
  const plain = name
    .replace(/^"|"$/g, "")
    .replace(/[\s_-]/g, "")
    .toLowerCase()
  return columns.find((column) => column.toLowerCase() === plain)
}

const unknownOf = (names: readonly string[]) => names.filter((name) => columnOf(name.trim()) === undefined)

/** Each column once, and none missing that every member needs. */
const isWhole = (names: readonly string[]) => {
  const known = names.map((name) => columnOf(name.trim()))
  return new Set(known).size === known.length && required.every((column) => known.includes(column))
}

const columnsUnknown = (names: string) => {
  const shown = names.slice(0, 100)
  const fault = {
    path: "body.csv",
    message: `Expected a first line of column names, each once: ${columns.join(", ")}; it is: ${shown}`,
  }
  return new RuleBroken("csv_columns_unknown", "The columns of the file are not known.", [fault])
}
