// Who may call what: one row per route. A letter is a caller; whoever is not named is refused, with 404 when they hold no role
// in the facility, with 403 (or what `refused` says) when they do, and with 401 when they are nobody.
//
//   P platform administrator   O facility owner   A facility administrator   S staff   C coach   M player   R parent
//   K the facility's API key (as staff)   X owner of another facility   Z somebody without any role   N nobody

import type { Row } from "./row.ts"
import { accountRows } from "./rows/accounts.ts"
import { clubRows } from "./rows/club.ts"
import { operationRows } from "./rows/operations.ts"

export const matrix: readonly Row[] = [...accountRows, ...operationRows, ...clubRows]
