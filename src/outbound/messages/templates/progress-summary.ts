/**
 * progress.summary.made, to the parents of a child or to the player. It has the sessions, the feedback and the assessed
 * skills of the week, each with its levels over time, and what comes next. What a coach wrote is read after signing in.
 */
import { shortTime } from "#outbound/messages/format.ts"
import { changeText, numberText } from "#outbound/messages/language/numbers.ts"
import { cutRows, mailBlock } from "./blocks.ts"
import type { Template } from "./template.ts"

/** Rows of a part, and skills with a chart. */
const mostRows = 8
const mostCharts = 4

const mine = `recipient.as != "parent"`

export const progressSummary: Template = {
  en: {
    subject: `{% if ${mine} %}Your week{% else %}{{ summary.playerFirstName }}'s week{% endif %} at {{ facility.name }}, from {{ summary.firstDay | date }}`,
    short: `{% if ${mine} %}Your week{% else %}{{ summary.playerFirstName }}'s week{% endif %} at {{ facility.name }}: {{ summary.attended }} {% if summary.attended == 1 %}session{% else %}sessions{% endif %}, {{ summary.skills.size }} {% if summary.skills.size == 1 %}skill{% else %}skills{% endif %} assessed, {{ summary.upcoming.size }} to come.`,
    heading: `{% if ${mine} %}Your week{% else %}{{ summary.playerName }}'s week{% endif %}`,
    lead: `This is what happened at {{ facility.name }} from {{ summary.firstDay | day }} to {{ summary.lastDay | day }}.`,
    note: `{% if summary.feedback.size > 0 %}Sign in to read the feedback. {% endif %}You can switch this summary off in your settings.`,
  },
  de: {
    subject: `{% if ${mine} %}Deine Woche{% else %}Die Woche von {{ summary.playerFirstName }}{% endif %} bei {{ facility.name }}, ab {{ summary.firstDay | date }}`,
    short: `{% if ${mine} %}Deine Woche{% else %}Die Woche von {{ summary.playerFirstName }}{% endif %} bei {{ facility.name }}: {{ summary.attended }}-mal im Training, {{ summary.skills.size }} {% if summary.skills.size == 1 %}Fertigkeit{% else %}Fertigkeiten{% endif %} bewertet, {{ summary.upcoming.size }} {% if summary.upcoming.size == 1 %}Termin{% else %}Termine{% endif %} vor {% if ${mine} %}dir{% else %}sich{% endif %}.`,
    heading: `{% if ${mine} %}Deine Woche{% else %}Die Woche von {{ summary.playerName }}{% endif %}`,
    lead: `Das war bei {{ facility.name }} von {{ summary.firstDay | day }} bis {{ summary.lastDay | day }}.`,
    note: `{% if summary.feedback.size > 0 %}Melde dich an, um die Rückmeldung zu lesen. {% endif %}Diese Übersicht kannst du in deinen Einstellungen abschalten.`,
  },
  facts: [],
  blocks: ({ summary, facility, recipient }, language) => {
    if (summary === null) return []
    const say = language === "de" ? german : english
    const clock = { language, zone: facility.timezone, reader: recipient.timezone }
    const time = (instant: string) =>
      shortTime(instant, clock)
        .replace(/ \d{4},/, ",")
        .replace(/ Uhr$/, "")
    const day = (instant: string) => time(instant).replace(/,[^,]*$/, "")
    const level = (value: number) => numberText(value, language, 2)
    // Each sport has a scale of its own.
    const most = (sport: string) =>
      Math.max(
        ...summary.skills.flatMap((skill) => (skill.sport === sport ? skill.history.map((each) => each.level) : [])),
      )
    const sessions = cutRows(
      summary.sessions,
      mostRows,
      ({ startAt, coachName, resourceName, attended: came }) => ({
        label: time(startAt),
        value: `${came ? say.came : say.missed} · ${coachName} · ${resourceName}`,
      }),
      language,
    )
    const feedback = cutRows(
      summary.feedback,
      mostRows,
      ({ publishedAt, coachName, skillsWorked }) => ({
        label: day(publishedAt),
        value: [coachName, ...(skillsWorked.length === 0 ? [] : [skillsWorked.join(", ")])].join(": "),
      }),
      language,
    )
    const upcoming = cutRows(
      summary.upcoming,
      mostRows,
      ({ startAt, coachName, resourceName }) => ({ label: time(startAt), value: `${coachName} · ${resourceName}` }),
      language,
    )
    const charts = summary.skills.slice(0, mostCharts).flatMap(({ skillName, sport, before, history, ...skill }) => {
      const change =
        before === 0
          ? say.first
          : `${level(before)} → ${level(skill.level)} (${changeText(skill.improvementPercent, language)})`
      return mailBlock(
        `${skillName} (${sport}): ${change}`,
        history.map((each, nth) => ({
          ...{ label: day(each.assessedAt), value: level(each.level), share: each.level / most(sport) },
          isMain: nth === history.length - 1,
        })),
      )
    })
    const others = summary.skills.slice(mostCharts).map(({ skillName, level: at }) => ({
      label: skillName,
      value: level(at),
    }))
    return [
      ...mailBlock(say.sessions, sessions),
      ...charts,
      ...mailBlock(say.others, others),
      ...mailBlock(say.feedback, feedback),
      ...mailBlock(say.upcoming, upcoming),
    ]
  },
}

const english = {
  sessions: "Training",
  came: "was there",
  missed: "missed",
  first: "assessed for the first time",
  others: "Also assessed",
  feedback: "Feedback",
  upcoming: "Coming up",
}

const german: typeof english = {
  sessions: "Training",
  came: "dabei",
  missed: "gefehlt",
  first: "zum ersten Mal bewertet",
  others: "Auch bewertet",
  feedback: "Rückmeldungen",
  upcoming: "Demnächst",
}
