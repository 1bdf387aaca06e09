/**
 * One claim of several handlers: the newest events of the log, under one lease (slotbase.claim_joint). It has a row of
 * handler_claims per handler, so each part is also a claim of its handler. One settlement ends the parts that succeeded
 * together (slotbase.settle_joint), which writes joint_history and handler_history.
 */

import { readTexts } from "#actors/runtime/event-memory.ts"
import type { Db, Queryable } from "#base/database/db.ts"
import { type Claim, Run, type RunKey } from "./claim.ts"
import { storable } from "./failure-text.ts"
import type { JointMember } from "./joint-member.ts"
import type { Ended } from "./settle.ts"

/**
 * Events of a joint claim at most. A handler that lags by more works by itself. A claim of hundreds costs little per
 * event, and handlers that work by themselves work side by side.
 */
export const jointEvents = 32

/** The runs of one handler in a joint claim. */
export interface JointPart {
  readonly member: JointMember
  readonly claim: Claim
}

/** Claims the next events for these handlers. A handler that lags too far leaves the others. */
export async function claimJointly(
  db: Db,
  owner: number,
  members: readonly JointMember[],
): Promise<readonly JointPart[]> {
  const [claimed] = await askForClaim(db, owner, members)
  return takeClaim(db, members, claimed)
}

/**
 * The statement of a claim.
 * @param patient false: nothing is claimed while another session claims for one of these handlers.
 */
export const askForClaim = (sql: Queryable, owner: number, members: readonly JointMember[], patient = true) => sql<
  [ClaimedJointly]
>`
  select oldest, lease, behind, positions, event_ids, parts
  from slotbase.claim_joint(${members.map(({ handler }) => handler.name)}, ${members.map(({ since }) => since)}::bigint[],
    ${owner}, ${jointEvents}, ${patient})`

/** What these handlers have claimed, after its commit. */
export async function takeClaim(
  db: Db,
  members: readonly JointMember[],
  claimed: ClaimedJointly,
): Promise<readonly JointPart[]> {
  const { oldest, lease, behind, parts } = claimed
  const ofName = new Map(members.map((member) => [member.handler.name, member]))
  for (const name of behind ?? []) ofName.get(name)?.leave()
  if (oldest !== null) for (const member of members) if (!member.isApart) member.since = oldest
  if (lease === null || parts === null) return []
  const positions = (claimed.positions ?? "").split(",").map(Number)
  const ids = new Map((claimed.event_ids ?? "").split(",").map((id, nth) => [positions[nth], id]))
  const wanted = new Set(parts.flatMap((part) => part.positions))
  const events = await readTexts(
    db,
    [...wanted].map((position) => ids.get(position) as string),
  )
  return parts.map(({ handler, positions }) => {
    const runs: Run[] = []
    const gone: RunKey[] = []
    for (const position of positions) {
      const run = { id: ids.get(position) as string, position, attempts: 0, quarantined: false }
      const event = events.get(run.id)
      if (event) runs.push(new Run(event, run))
      else gone.push({ ...run, type: null })
    }
    const member = ofName.get(handler) as JointMember
    return { member, claim: { handler, lease, runs, gone, more: false, since: member.since } }
  })
}

/** The answer of the statement. */
interface ClaimedJointly {
  /** Null: nothing was looked for. */
  readonly oldest: number | null
  readonly lease: number | null
  readonly behind: readonly string[] | null
  /** Of all events of the claim. */
  readonly positions: string | null
  readonly event_ids: string | null
  readonly parts: readonly { readonly handler: string; readonly positions: readonly number[] }[] | null
}

/** A part whose effects are made. */
export interface EndedJointPart extends JointPart {
  readonly ended: readonly Ended[]
}

/** In the transaction of the effects. Fails as `settleRuns` does when another process owns a part now. */
export function settleJointly(sql: Queryable, lease: number, parts: readonly EndedJointPart[]) {
  const skipped = parts.flatMap(({ claim: { handler }, ended }) =>
    ended.flatMap(({ status, position, reason }) =>
      status === "skipped" ? [{ handler, position, reason: storable(reason ?? "") }] : [],
    ),
  )
  return sql`
    select slotbase.settle_joint(${lease}, ${parts.map(({ claim }) => claim.handler)}::text[], ${parts.map(meanMs)}::real[],
      ${parts.reduce((sum, { ended }) => sum + ended.length, 0)}, ${skipped.length === 0 ? null : sql.json(skipped)})`
}

const meanMs = ({ ended }: EndedJointPart) =>
  ended.reduce((sum, { durationMs }) => sum + durationMs, 0) / Math.max(1, ended.length)
