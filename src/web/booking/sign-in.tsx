/** Signing in, and registering as a player of the club. */
import { type FormEvent, useState } from "react"
import { Button, FieldError, Form, Input, Label, Text, TextField } from "react-aria-components"
import { Refused } from "./api.ts"
import { useClub } from "./club.ts"
import { register, signIn } from "./session.ts"
import { FaultNote, Sheet } from "./sheet.tsx"
import { useWork } from "./use-work.ts"

export interface SignInFormProps {
  /** After somebody is signed in. */
  readonly onDone: () => void
  /** Whether somebody new registers, or somebody known signs in. */
  readonly onNew?: (isNew: boolean) => void
  /** What waits belongs to somebody who has an account. */
  readonly isKnown?: boolean
}

export function SignInForm({ onDone, onNew, isKnown = false }: SignInFormProps) {
  const { facts, words, api, language, setMe, setLanguage } = useClub()
  const [isNew, setNew] = useState(false)
  const [sent, setSent] = useState(false)
  const [email, setEmail] = useState("")
  const [asksAddress, setAsksAddress] = useState(false)
  const { isBusy, fault, setFault, run } = useWork()
  const turn = () => {
    setNew(!isNew)
    setFault(undefined)
    setSent(false)
    setAsksAddress(false)
    onNew?.(!isNew)
  }
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const fields = new FormData(event.currentTarget)
    const of = (name: string) => String(fields.get(name) ?? "").trim()
    const password = String(fields.get("password") ?? "")
    void run(async () => {
      const person = { email: of("email"), password, firstName: of("firstName"), lastName: of("lastName") }
      const signingIn = isNew ? register(api, person, facts.facility.id, language) : signIn(api, person.email, password)
      const me = await signingIn.catch((error) => {
        if (!(error instanceof Refused && error.code === "not_authenticated")) throw error
        setFault(words.refusals.not_authenticated)
      })
      if (me === undefined) return
      if (me.language !== null && !isNew) setLanguage(me.language)
      setMe(me)
      onDone()
    })
  }
  const forget = (form: HTMLFormElement | null) => {
    setSent(false)
    // A password manager may have filled it in.
    const address = String((form && new FormData(form).get("email")) ?? "").trim()
    if (address === "") {
      setAsksAddress(true)
      form?.querySelector<HTMLElement>("[name=email]")?.focus()
      return
    }
    void run(async () => {
      await api.send("POST", "/v1/password-resets", { email: address })
      setSent(true)
    })
  }
  return (
    <Form className="form" key={String(isNew)} onSubmit={submit}>
      <Field
        name="email"
        type="email"
        label={words.email}
        autoComplete="username"
        autoFocus
        defaultValue={email}
        onChange={(typed) => {
          setEmail(typed)
          setAsksAddress(false)
        }}
        {...(asksAddress && { fault: words.typeAddress })}
      />
      <Field
        name="password"
        type="password"
        label={words.password}
        autoComplete={isNew ? "new-password" : "current-password"}
        {...(isNew && { help: words.passwordHelp, minLength: 8 })}
      />
      {isNew && (
        <div className="two">
          <Field name="firstName" label={words.firstName} autoComplete="given-name" />
          <Field name="lastName" label={words.lastName} autoComplete="family-name" />
        </div>
      )}
      <FaultNote says={fault} />
      {sent && <p role="status">{words.forgotSent}</p>}
      <Button className="go" type="submit" data-busy={isBusy || undefined}>
        {isNew ? words.register : words.signIn}
      </Button>
      <div className="row">
        {!isKnown && (
          <Button className="quiet" onPress={turn}>
            {isNew ? words.haveAccount : words.noAccount}
          </Button>
        )}
        {!isNew && (
          <Button className="quiet" onPress={({ target }) => forget(target.closest("form"))}>
            {words.forgot}
          </Button>
        )}
      </div>
    </Form>
  )
}

export function SignInSheet({ onClose }: { readonly onClose: () => void }) {
  const { words } = useClub()
  const [isNew, setNew] = useState(false)
  return (
    <Sheet title={isNew ? words.register : words.signIn} onClose={onClose}>
      <SignInForm onDone={onClose} onNew={setNew} />
    </Sheet>
  )
}

interface FieldProps {
  readonly name: string
  readonly label: string
  readonly type?: "text" | "email" | "password"
  readonly defaultValue?: string
  readonly onChange?: (typed: string) => void
  readonly help?: string
  /** What is wrong with it, beside what the browser finds. */
  readonly fault?: string
  readonly minLength?: number
  readonly autoComplete: string
  readonly autoFocus?: boolean
}

function Field({ label, help, fault, ...field }: FieldProps) {
  const { words } = useClub()
  return (
    <TextField
      className="field"
      isRequired
      maxLength={field.type === "password" ? 128 : 200}
      {...field}
      {...(fault !== undefined && { isInvalid: true })}
    >
      <Label>{label}</Label>
      <Input />
      {help && (
        <Text slot="description" className="help">
          {help}
        </Text>
      )}
      <FieldError className="fielderror">
        {/* The browser would say it in its own language. */}
        {({ validationDetails: { valueMissing, typeMismatch, tooShort }, validationErrors }) =>
          fault ??
          (valueMissing
            ? words.fieldMissing
            : typeMismatch
              ? words.notAnAddress
              : tooShort
                ? words.tooFewLetters
                : validationErrors.join(" "))
        }
      </FieldError>
    </TextField>
  )
}
