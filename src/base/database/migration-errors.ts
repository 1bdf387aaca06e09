// The refusals and failures of a migration. Each message is a sentence with the remedy.

export class DatabaseNewer extends Error {
  readonly _tag = "DatabaseNewer"

  constructor(
    readonly databaseAt: string,
    readonly codeKnows: number,
  ) {
    super(
      `The database is newer than this program: it has seen ${databaseAt}, and this version knows ${codeKnows} migrations. Start the newer version, or point DATABASE_URL at another database.`,
    )
  }
}

/**
 * The files of sql/ were replaced once. No file leads from a database with the earlier history to the present schema.
 */
export class HistoryReplaced extends Error {
  readonly _tag = "HistoryReplaced"

  constructor(
    readonly databaseBegan: string,
    readonly codeBegins: string,
  ) {
    super(
      "The database was made by an earlier SlotBase, whose schema this version cannot continue; nothing was changed: name an empty one by SLOTBASE_DATA_DIR or DATABASE_URL.",
    )
  }
}

export class MigrationEdited extends Error {
  readonly _tag = "MigrationEdited"

  constructor(readonly migration: string) {
    super(
      `sql/${migration}.sql was changed after this database had seen it; restore the file and put the change into a new one.`,
    )
  }
}

export class MigrationFailed extends Error {
  readonly _tag = "MigrationFailed"

  constructor(
    readonly migration: string,
    /** The line of the file, when PostgreSQL named a place. */
    readonly line: number | undefined,
    cause: unknown,
  ) {
    const place = line === undefined ? "" : ` at line ${line}`
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(`sql/${migration}.sql failed${place} and left nothing behind: ${reason}`, { cause })
  }
}

export class UnsupportedPostgres extends Error {
  readonly _tag = "UnsupportedPostgres"

  constructor(
    readonly found: number,
    readonly needed: number,
  ) {
    super(
      `The server of DATABASE_URL is PostgreSQL ${found}, and SlotBase needs ${needed} or newer; upgrade it, or leave DATABASE_URL unset for the embedded PostgreSQL.`,
    )
  }
}
