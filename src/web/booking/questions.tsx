/** The questions of the club for a booking. */
import { Input, Label, Radio, RadioGroup, TextField } from "react-aria-components"
import type { AskedQuestion } from "./answers.ts"
import { useClub } from "./club.ts"

export type GivenAnswers = Readonly<Record<string, string | boolean | number>>

export interface QuestionsProps {
  readonly questions: readonly AskedQuestion[]
  readonly answers: GivenAnswers
  readonly onAnswers: (answers: GivenAnswers) => void
}

export function Questions({ questions, answers, onAnswers }: QuestionsProps) {
  const answer = (id: string, value: string | boolean | number | undefined) => {
    const { [id]: _, ...others } = answers
    onAnswers(value === undefined ? others : { ...others, [id]: value })
  }
  return (
    <>
      {questions.map((question) => (
        <One
          key={question.id}
          question={question}
          value={answers[question.id]}
          onValue={(value) => answer(question.id, value)}
        />
      ))}
    </>
  )
}

interface OneProps {
  readonly question: AskedQuestion
  readonly value: string | boolean | number | undefined
  readonly onValue: (value: string | boolean | number | undefined) => void
}

function One({ question: { label, type, required, choices = [] }, value, onValue }: OneProps) {
  const { language, words: pageWords } = useClub()
  const says = required ? label : `${label} (${pageWords.optional})`
  const words = language === "de" ? { yes: "Ja", no: "Nein" } : { yes: "Yes", no: "No" }
  if (type === "text" || type === "number")
    return (
      <TextField
        className="field"
        isRequired={required}
        type={type === "number" ? "number" : "text"}
        value={value === undefined ? "" : String(value)}
        onChange={(text) => onValue(text === "" ? undefined : type === "number" ? Number(text) : text)}
      >
        <Label>{says}</Label>
        <Input />
      </TextField>
    )
  const options: readonly (readonly [string, string])[] =
    type === "yes_no"
      ? [
          ["true", words.yes],
          ["false", words.no],
        ]
      : choices.map((each) => [each, each] as const)
  return (
    <RadioGroup
      className="choices"
      isRequired={required}
      value={value === undefined ? null : String(value)}
      onChange={(chosen) => onValue(type === "yes_no" ? chosen === "true" : chosen)}
    >
      <Label>{says}</Label>
      <div className="chips">
        {options.map(([key, option]) => (
          <Radio key={key} value={key} className="chip">
            {option}
          </Radio>
        ))}
      </div>
    </RadioGroup>
  )
}
