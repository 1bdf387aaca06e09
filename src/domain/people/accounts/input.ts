/** The requests and answers of accounts. */
import * as Schema from "effect/Schema"
import { Password } from "#access/passwords.ts"
import { LanguageField } from "#base/languages.ts"
import { Email, Id, Name, Timezone } from "#base/schema/request-fields.ts"
import { atMost, opaqueText } from "#base/schema/text-fields.ts"
import { linkPurposes } from "./links.ts"

/** Any length up to the longest: a too short password is compared too, and gets no separate error. */
const PresentPassword = opaqueText(0, 128, { description: "the password of the account", format: "password" })

export const NamesChange = Schema.Struct({
  firstName: Schema.optionalKey(Name),
  lastName: Schema.optionalKey(Name),
})

/** What a person changes of their own account. Null: as the facility has it. */
export const AccountChange = Schema.Struct({
  ...NamesChange.fields,
  language: Schema.optionalKey(Schema.NullOr(LanguageField)).annotateKey({
    description: "in which messages are written; null: that of the facility",
  }),
  timezone: Schema.optionalKey(Schema.NullOr(Timezone)).annotateKey({
    description: "in which messages name times, and quiet hours count; null: that of the facility",
  }),
})

export const AccountAnswer = Schema.Struct({
  id: Id,
  email: Schema.NullOr(Schema.String),
  firstName: Schema.String,
  lastName: Schema.String,
  language: Schema.NullOr(LanguageField),
  timezone: Schema.NullOr(Schema.String),
})

export const EmailChangeInput = Schema.Struct({
  email: Email.annotateKey({ description: "the new address; it counts from its confirmation on" }),
  password: PresentPassword,
})

export const PasswordChange = Schema.Struct({ currentPassword: PresentPassword, newPassword: Password })

export const PasswordResetInput = Schema.Struct({ email: Email })

/** The same whatever becomes of the request. */
export const MailOnItsWay = Schema.Struct({ status: Schema.Literal("accepted"), expiresInMinutes: Schema.Int })

export const LinkUse = Schema.Struct({
  token: Schema.String.annotate({ description: "the last part of the link in the mail" }).check(
    atMost(100),
    Schema.isPattern(/^[A-Za-z0-9_-]+$/u, { expected: "the token of a link" }),
  ),
  password: Schema.optionalKey(Password).annotateKey({
    description: "the new password, for a forgotten one and for an invitation",
  }),
})

export const UsedLink = Schema.Struct({ purpose: Schema.Literals(linkPurposes) })
