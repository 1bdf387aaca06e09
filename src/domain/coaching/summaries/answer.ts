/** The summary of a player's week, as it is stored and as its mail shows it. */

/** A session of the week to which somebody said whether the player came. */
export interface SummarySession {
  readonly sessionId: string
  readonly startAt: string
  readonly endAt: string
  readonly coachName: string
  readonly resourceName: string
  readonly attended: boolean
}

export interface SummaryFeedback {
  readonly feedbackId: string
  readonly coachName: string
  readonly publishedAt: string
  /** As the coach named them. */
  readonly skillsWorked: readonly string[]
}

/** A skill that was assessed in the week. */
export interface SummarySkill {
  readonly skillId: string
  readonly skillName: string
  readonly sport: string
  /** At the end of the week before; 0: nobody had assessed the skill. */
  readonly before: number
  readonly level: number
  /** Of `before`; 0 for a first assessment. */
  readonly improvementPercent: number
  /** The latest assessments until the end of the week, the oldest first. */
  readonly history: readonly { readonly level: number; readonly assessedAt: string }[]
}

export type SummaryUpcoming = Omit<SummarySession, "attended">

export interface ProgressSummary {
  readonly playerName: string
  readonly playerFirstName: string
  /** The Monday and the Sunday of the week, YYYY-MM-DD. */
  readonly firstDay: string
  readonly lastDay: string
  /** Sessions to which the player came. */
  readonly attended: number
  readonly sessions: readonly SummarySession[]
  readonly feedback: readonly SummaryFeedback[]
  readonly skills: readonly SummarySkill[]
  /** Of the week that follows, as far as it is still to come. */
  readonly upcoming: readonly SummaryUpcoming[]
}
