/** feedback.published, to the parents of the student. */
import type { Template } from "./template.ts"
import { bookedWhen } from "./values.ts"

export const sessionFeedback: Template = {
  en: {
    subject: `{{ data.coachName }} shared feedback on {{ data.studentName }}'s session`,
    short: `New feedback for {{ data.studentName }} from {{ data.coachName }} at {{ facility.name }}.`,
    heading: `Feedback for {{ data.studentName }}`,
    lead: `{{ data.coachName }} of {{ facility.name }} shared feedback on {{ data.studentName }}'s coaching session.`,
    note: `Sign in to read it.`,
  },
  de: {
    subject: `Rückmeldung von {{ data.coachName }} zum Training von {{ data.studentName }}`,
    short: `Neue Rückmeldung für {{ data.studentName }} von {{ data.coachName }} bei {{ facility.name }}.`,
    heading: `Rückmeldung für {{ data.studentName }}`,
    lead: `{{ data.coachName }} von {{ facility.name }} hat eine Rückmeldung zum Training von {{ data.studentName }} geschrieben.`,
    note: `Melde dich an, um sie zu lesen.`,
  },
  facts: [
    ["player", `{{ data.studentName }}`],
    ["coach", `{{ data.coachName }}`],
    ["when", bookedWhen],
    ["workedOn", `{{ data.skillsWorked | join: ", " }}`],
    [
      "includes",
      {
        en: `{% if data.hasVideo and data.hasPhotos %}Video and photos{% elsif data.hasVideo %}Video{% elsif data.hasPhotos %}Photos{% endif %}`,
        de: `{% if data.hasVideo and data.hasPhotos %}Video und Fotos{% elsif data.hasVideo %}Video{% elsif data.hasPhotos %}Fotos{% endif %}`,
      },
    ],
  ],
}
