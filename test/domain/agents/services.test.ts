// The rules by which agents work without a service: text that is tidied, and skills that are found by words.

import { expect, test } from "bun:test"
import { withName, withoutNames } from "#domain/agents/feedback/about.ts"
import { tidyText } from "#domain/agents/services/tidy.ts"
import { skillsNamedIn } from "#domain/agents/services/vocabulary.ts"

test.each([
  ["good  backhand ,keep going", "Good backhand, keep going."],
  ["she did well today .her serve needs work", "She did well today. Her serve needs work."],
  ["super!!!!! weiter so", "Super! Weiter so."],
  ["first line\n\n\n\nsecond line here.", "First line.\n\nSecond line here."],
  ["Level 3.5 . see 1.2", "Level 3.5. See 1.2."],
  ["übe die rückhand. ärgere dich nicht", "Übe die rückhand. Ärgere dich nicht."],
  ["Tuesday:\nServe\nVolley", "Tuesday:\nServe\nVolley"],
  ["", ""],
])("%j becomes %j", (text, tidied) => {
  expect(tidyText(text)).toBe(tidied)
  expect(tidyText(tidied)).toBe(tidied)
})

test.each([
  ["Serve and volley, in German: Aufschlag", ["tennis"], ["Serve", "Volley"]],
  ["gute Beinarbeit, die RÜCKHAND war spät", ["tennis"], ["Backhand", "Footwork"]],
  ["you deserve a rest", ["tennis"], []],
  ["the bandeja", ["tennis", "padel"], ["Bandeja"]],
  ["the bandeja", ["tennis"], []],
  ["more stamina", ["chess"], ["Fitness"]],
])("%j in %j speaks of %j", (text, sports, skills) => {
  expect(skillsNamedIn(text, sports)).toEqual(skills)
})

test("a name leaves in none of its forms: parts, possessives, letters with marks of their own", () => {
  const mia = { firstName: "Mia-Sophie", lastName: "van Doorn" }
  const left = (text: string) => withoutNames(text, mia)
  expect(left("Mias Aufschlag, MIA's serve, Sophie, Mia-Sophie van Doorn and van Doorns Vorhand")).toBe(
    "{player}s Aufschlag, {player}'s serve, {player}, {player} and {player}s Vorhand",
  )
  expect(left("A van came; the miasma stayed.")).toBe("A van came; the miasma stayed.")
  expect(withoutNames("Rene\u0301 ran", { firstName: "Ren\u00e9", lastName: "Roux" })).toBe("{player} ran")
  expect(withName("{player}s Aufschlag", mia)).toBe("Mia-Sophies Aufschlag")
})
