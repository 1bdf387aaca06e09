/** A task of a child process: the records of a CSV text, each with its line. All fields stay text. */
import { parse } from "csv-parse/sync"

export interface CsvRecord {
  readonly line: number
  readonly fields: readonly string[]
}

/** Quotes as in RFC 4180, section 2; lines end in any way. */
export default ({
  csv,
  delimiter,
  most,
}: {
  readonly csv: string
  readonly delimiter: string
  readonly most: number
}) => {
  try {
    const records = parse(csv, {
      delimiter,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
      to: most,
    }) as unknown as { readonly record: string[]; readonly info: { readonly lines: number } }[]
    return { records: records.map(({ record, info }): CsvRecord => ({ line: info.lines, fields: record })) }
  } catch (error) {
    const { code, lines } = error as { readonly code?: string; readonly lines?: number }
    return { fault: code ?? "unreadable", line: lines ?? 0 }
  }
}
