/** Signing in, and registering as a player of the club. */
import { type FormEvent, useState } from "react"
import { Button, FieldError, Form, Input, Label, Text, TextField } from "react-aria-components"
import { useClub } from "./club.ts"
import { register, signIn } from "./session.ts"
import { FaultNote, Sheet } from "./sheet.tsx"
import { useWork } from "./use-work.ts"

/** @param onDone after somebody is signed in */
export function SignInForm({ onDone }: { readonly onDone: () => void }) {
  const { facts, words, api, language, setMe, setLanguage } = useClub()
  const [isNew, setNew] = useState(false)
  const [sent, setSent] = useState(false)
  const { isBusy, fault, run } = useWork()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const fields = new FormData(event.currentTarget)
    const of = (name: string) => String(fields.get(name) ?? "").trim()
    const password = String(fields.get("password") ?? "")
    void run(async () => {
      const person = { email: of("email"), password, firstName: of("firstName"), lastName: of("lastName") }
      const me = isNew
        ? await register(api, person, facts.facility.id, language)
        : await signIn(api, person.email, password)
      if (me.language !== null && !isNew) setLanguage(me.language)
      setMe(me)
      onDone()
    })
  }
  const forget = (form: HTMLFormElement | null) => {
    const email = form && String(new FormData(form).get("email") ?? "").trim()
    if (!email || !form?.reportValidity) return
    void run(async () => {
      await api.send("POST", "/v1/password-resets", { email })
      setSent(true)
    })
  }
  return (
    <Form className="form" key={String(isNew)} onSubmit={submit}>
      <Field name="email" type="email" label={words.email} autoComplete="username" autoFocus />
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
      <Button className="go" type="submit" data-pending={isBusy || undefined}>
        {isNew ? words.register : words.signIn}
      </Button>
      <div className="row">
        <Button className="quiet" onPress={() => setNew(!isNew)}>
          {isNew ? words.haveAccount : words.noAccount}
        </Button>
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
  return (
    <Sheet title={words.signIn} onClose={onClose}>
      <SignInForm onDone={onClose} />
    </Sheet>
  )
}

interface FieldProps {
  readonly name: string
  readonly label: string
  readonly type?: "text" | "email" | "password"
  readonly help?: string
  readonly minLength?: number
  readonly autoComplete: string
  readonly autoFocus?: boolean
}

function Field({ label, help, ...field }: FieldProps) {
  return (
    <TextField className="field" isRequired maxLength={field.type === "password" ? 128 : 200} {...field}>
      <Label>{label}</Label>
      <Input />
      {help && (
        <Text slot="description" className="help">
          {help}
        </Text>
      )}
      <FieldError className="fielderror" />
    </TextField>
  )
}
