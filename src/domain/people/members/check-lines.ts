/** Checks the lines of an import, each by itself and against those before it. Every fault names its column. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { Email, Name, normalEmail } from "#base/schema/request-fields.ts"
import { inSlices } from "#base/slices.ts"
import type { ImportedLine } from "./answer.ts"
import { memberDetailFields } from "./input.ts"
import { type Column, type CsvFile, type CsvLine, columns } from "./read-csv.ts"
import type { MemberDetails } from "./rows.ts"

export interface NewMember extends MemberDetails {
  readonly firstName: string
  readonly lastName: string
  readonly contactEmail: string | null
}

export interface CheckedLine {
  readonly line: number
  readonly member: NewMember
  readonly faults: ImportedLine["faults"]
}

export interface CheckedFile extends Omit<CsvFile, "lines"> {
  readonly lines: readonly CheckedLine[]
}

/** A line that repeats the address or the member number of an earlier one is refused. */
export async function checkLines({ lines, ...file }: CsvFile): Promise<CheckedFile> {
  const seen = new Map<string, number>()
  return { ...file, lines: await inSlices(lines, (line) => checkLine(line, seen)) }
}

function checkLine({ line, fields, beyond }: CsvLine, seen: Map<string, number>): CheckedLine {
  const faults: { column: string; message: string }[] = columns.flatMap((column) => {
    const value = fields[column]
    if (value === undefined) return isRequired(column) ? [{ column, message: "Expected a value" }] : []
    const result = check[column](value)
    return Result.isSuccess(result) ? [] : [{ column, message: `Expected ${expected[column]}` }]
  })
  if (beyond !== undefined) faults.push({ column: `field ${beyond}`, message: "stands beyond the last column" })
  const member = memberOf(fields)
  for (const [column, value] of [
    ["email", member.contactEmail],
    ["memberNumber", member.memberNumber],
  ] as const) {
    if (value === null) continue
    const before = seen.get(`${column} ${value}`)
    if (before === undefined) seen.set(`${column} ${value}`, line)
    else faults.push({ column, message: `is that of line ${before}` })
  }
  return { line, member, faults }
}

const memberOf = (fields: CsvLine["fields"]): NewMember => ({
  firstName: fields.firstName ?? "",
  lastName: fields.lastName ?? "",
  contactEmail: fields.email === undefined ? null : normalEmail(fields.email),
  memberNumber: fields.memberNumber ?? null,
  phone: fields.phone ?? null,
  postalCode: fields.postalCode ?? null,
})

const isRequired = (column: Column) => column === "firstName" || column === "lastName"

const check = {
  firstName: Schema.decodeUnknownResult(Name),
  lastName: Schema.decodeUnknownResult(Name),
  email: Schema.decodeUnknownResult(Email),
  phone: Schema.decodeUnknownResult(memberDetailFields.phone),
  postalCode: Schema.decodeUnknownResult(memberDetailFields.postalCode),
  memberNumber: Schema.decodeUnknownResult(memberDetailFields.memberNumber),
} as const

const line = "one line of at most 60 visible characters"
const expected: Readonly<Record<Column, string>> = {
  firstName: "one line of at most 200 visible characters",
  lastName: "one line of at most 200 visible characters",
  email: "an e-mail address",
  phone: line,
  postalCode: line,
  memberNumber: line,
}
