/**
 * Skills and levels. A skill is a free text that the coaches of a facility agree on, such as "tennis.backhand".
 * Its sport and its name follow from the text unless they are given.
 * A level is a number above 0, on any scale that a club uses (NTRP, UTR, one to ten).
 */
import * as Schema from "effect/Schema"
import { RuleBroken } from "#base/errors.ts"
import { rule } from "#base/schema/rule.ts"
import { atMost, lineUpTo } from "#base/schema/text-fields.ts"

const maxSkillLength = 100
const maxLevel = 100
/** The column holds this many decimals. */
const levelDecimals = 2
const levelExpected = `a level above 0 and at most ${maxLevel}, with ${levelDecimals} decimals at most`

/** A skill's name, as people say it. */
export const SkillName = lineUpTo(maxSkillLength)

export const SkillId = Schema.String.annotate({
  description: "such as tennis.backhand: the sport, a dot, the skill",
}).check(
  atMost(maxSkillLength),
  Schema.isPattern(/^[a-z0-9]+(?:[._-][a-z0-9]+)*$/u, {
    expected: "lower-case letters and digits, in words that dots, hyphens or underscores join",
  }),
)

export const SkillScore = Schema.Finite.annotate({
  description: `above 0, at most ${maxLevel}, with two decimals at most`,
}).check(
  Schema.makeFilter((level: number) => level > 0 && level <= maxLevel, {
    expected: levelExpected,
    toJsonSchema: () => ({ exclusiveMinimum: 0, maximum: maxLevel }),
  }).abort(),
  // Validators disagree about "multipleOf": 0.01, because no binary fraction is 0.01.
  rule(
    `a level has ${levelDecimals} decimals at most`,
    (level: number) => Number(level.toFixed(levelDecimals)) === level,
    levelExpected,
  ),
)

/** A skill as a request names it. */
export const namedSkill = {
  skillId: SkillId,
  skillName: Schema.optionalKey(SkillName).annotateKey({ description: "follows from the skillId unless given" }),
  sport: Schema.optionalKey(SkillName).annotateKey({
    description: "what stands before the first dot of the skillId, or the facility's only sport, unless given",
  }),
} as const

export interface NamedSkill {
  readonly skillId: string
  readonly skillName?: string
  readonly sport?: string
}

export interface Skill {
  readonly skillId: string
  readonly skillName: string
  readonly sport: string
}

/** Throws RuleBroken `sport_unknown` when neither the request, nor the skill's id, nor the facility names the sport. */
export function skillOf(named: NamedSkill, sportTypes: readonly string[], path: string): Skill {
  const { skillId } = named
  const dot = skillId.indexOf(".")
  const sport = named.sport ?? (dot > 0 ? skillId.slice(0, dot) : sportTypes.length === 1 ? sportTypes[0] : undefined)
  if (sport === undefined) {
    const fault = {
      path: `${path}.sport`,
      message: "Missing key: the skillId names no sport, and the facility has several",
    }
    throw new RuleBroken("sport_unknown", `The sport of the skill ${skillId} is not known.`, [fault])
  }
  return { skillId, skillName: named.skillName ?? wordsOf(skillId.slice(dot + 1)), sport }
}

/**
 * How much better a level is than the one before, in percent of the latter, with two decimals. Negative when it is
 * worse. A first assessment has no level before it: 0.
 */
export function improvementPercent(previousLevel: number, newLevel: number): number {
  if (previousLevel === 0) return 0
  return Math.round(((newLevel - previousLevel) / previousLevel) * 10_000) / 100
}

/** "two-handed_backhand" becomes "Two handed backhand". */
function wordsOf(skill: string): string {
  const words = skill.replace(/[._-]+/g, " ")
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`
}
