/** feedback.published, to the parents of the student. */
import type { Template } from "./template.ts"

export const sessionFeedback: Template = {
  subject: `{{ data.coachName }} shared feedback on {{ data.studentName }}'s session`,
  short: `New feedback for {{ data.studentName }} from {{ data.coachName }} at {{ facility.name }}.`,
  heading: `Feedback for {{ data.studentName }}`,
  lead: `{{ data.coachName }} of {{ facility.name }} shared feedback on {{ data.studentName }}'s coaching session.`,
  facts: [
    ["Player", `{{ data.studentName }}`],
    ["Coach", `{{ data.coachName }}`],
    ["Worked on", `{{ data.skillsWorked | join: ", " }}`],
    [
      "Includes",
      `{% if data.hasVideo and data.hasPhotos %}Video and photos{% elsif data.hasVideo %}Video{% elsif data.hasPhotos %}Photos{% endif %}`,
    ],
    ["Feedback", `{{ data.feedbackId }}`],
  ],
  note: "",
}
