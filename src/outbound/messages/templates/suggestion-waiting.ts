/** feedback.enhanced, to the coach: a suggestion waits. No words of it are in the message, and no name of a player. */
import type { Template } from "./template.ts"

export const suggestionWaiting: Template = {
  en: {
    subject: `A suggestion for your feedback waits for you`,
    short: `A suggestion for your feedback at {{ facility.name }} waits for your approval.`,
    heading: `A suggestion waits for your approval`,
    lead: `Better words or skills are suggested for a draft of yours at {{ facility.name }}. The draft stays as it is until you approve.`,
    note: `Sign in to look at it. There may be more than one by then.`,
  },
  de: {
    subject: `Ein Vorschlag für deine Rückmeldung wartet auf dich`,
    short: `Ein Vorschlag für deine Rückmeldung bei {{ facility.name }} wartet auf deine Freigabe.`,
    heading: `Ein Vorschlag wartet auf deine Freigabe`,
    lead: `Für einen deiner Entwürfe bei {{ facility.name }} werden bessere Worte oder Übungen vorgeschlagen. Der Entwurf bleibt, wie er ist, bis du zustimmst.`,
    note: `Melde dich an, um ihn anzusehen. Es können bis dahin mehrere sein.`,
  },
  facts: [["reference", `{{ data.feedbackId | short_id }}`]],
}
