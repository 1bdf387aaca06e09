// The rights to every route, one row per route. A letter is a caller; callers without a letter are refused:
//
// - 404 for callers without a role in the facility
// - 403 (or the row's `refused`) for callers with a role
// - 401 for callers without credentials
//
// The letters:
//
// - P platform administrator, O facility owner, A facility administrator, S staff, C coach, M player, R parent
// - K the facility's API key (as staff), X owner of another facility, Z a person without any role, N no credentials

import type { Row } from "./row.ts"
import { accountRows } from "./rows/accounts.ts"
import { clubRows } from "./rows/club.ts"
import { invoiceRows } from "./rows/invoices.ts"
import { operationRows } from "./rows/operations.ts"

export const matrix: readonly Row[] = [...accountRows, ...operationRows, ...clubRows, ...invoiceRows]
