/**
 * The row of the audit trail that a route declares: `described({ …, audited: "webhook.changed" })`. Every command of
 * such a route writes it in its own transaction. The command need not name it, and so cannot forget it.
 */
import { type Caller, isStaff } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { type AuditNote, audit, noteOf } from "#events/audit.ts"
import type { AuditAction } from "#events/audit-actions.ts"
import { type Difference, differenceOf, type Fields } from "#events/audit-values.ts"

export interface AuditRule {
  readonly action: AuditAction
  /** The row is written only for staff of the facility: members use the route for themselves. */
  readonly by?: "staff"
  /** "answer": the answer is the value after the change, because the command made a new thing. */
  readonly after?: "answer"
}

export type Audited = AuditAction | AuditRule

export const auditRuleOf = (audited: Audited): AuditRule =>
  typeof audited === "string" ? { action: audited } : audited

/** The sentence of the OpenAPI document. */
export function auditSentence(audited: Audited): string {
  const { action, by } = auditRuleOf(audited)
  return `The audit trail records it as \`${action}\`${by === "staff" ? " when staff do it" : ""}.`
}

/** A request, and what its route declares. The router sets it before the handler runs. */
export const declareAudited = (request: Request, rule: AuditRule): void => void declared.set(request, rule)
const declared = new WeakMap<Request, AuditRule>()

export interface AuditedCall {
  readonly request: Request
  readonly params: Readonly<Record<string, string | undefined>>
  /** Undefined on the open routes. */
  readonly caller: Caller | undefined
}

/** Writes the row of a command that has succeeded. Routes that declare none write nothing. */
export function auditCommand(tx: Tx, { request, params, caller }: AuditedCall, result: unknown): void {
  const rule = declared.get(request)
  if (!rule) return
  const { facilityId } = params
  if (rule.by === "staff" && !(caller && facilityId !== undefined && isStaff(caller, facilityId.toLowerCase()))) return
  const note = noteOf(tx)
  if (note === "nothing" || isSame(note)) return
  audit(tx, {
    subjectId: (rule.after === "answer" && idOf(result)) || subjectOf(params, result),
    ...(facilityId !== undefined && { facilityId: facilityId.toLowerCase() }),
    ...(rule.after === "answer" && { after: result as Fields }),
    ...(note satisfies AuditNote | undefined),
    action: rule.action,
  })
}

/** Both values are known, and they do not differ. */
function isSame({ before, after }: AuditNote = {}): boolean {
  return before !== undefined && after !== undefined && isEmpty(differenceOf(before, after))
}

const isEmpty = ({ before, after }: Difference) => Object.keys({ ...before, ...after }).length === 0

/** The last thing that the address names, or the new thing. */
function subjectOf(params: AuditedCall["params"], result: unknown): string {
  const named = Object.entries(params).filter(([name]) => name !== "facilityId")
  return named.at(-1)?.[1] ?? idOf(result) ?? params.facilityId ?? "unknown"
}

function idOf(result: unknown): string | undefined {
  const id = (result as { readonly id?: unknown } | null | undefined)?.id
  return typeof id === "string" ? id : undefined
}
