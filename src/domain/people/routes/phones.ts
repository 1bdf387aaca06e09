/** One's own phone number for text messages: given, verified by a code, removed. */
import { Elysia } from "elysia"
import type { Caller } from "#access/caller.ts"
import { requirePerson } from "#domain/people/accounts/names.ts"
import { phoneCodeShares } from "#domain/people/phones/code-shares.ts"
import { PhoneAnswer, PhoneCode, PhoneInput } from "#domain/people/phones/input.ts"
import {
  askPhoneCode,
  checkPhoneCode,
  numberIn,
  readPhone,
  removePhone,
  verifyPhone,
} from "#domain/people/phones/phones.ts"
import type { App } from "#http/app.ts"
import { described } from "#http/describe.ts"
import { addStanding } from "#http/rate-headers.ts"
import { api } from "#http/route.ts"

const tag = "Messages"

export const phoneNumberRoutes = (app: App) => {
  const countPhoneCode = phoneCodeShares(app.config.requestsPerSecond)
  return new Elysia({ name: "phones" })
    .use(api(app))
    .get(
      "/v1/me/phone",
      async ({ caller }) => readPhone(app.db, person(await caller())),
      described({ tag, summary: "Read one's own phone number", answer: PhoneAnswer }),
    )
    .put(
      "/v1/me/phone",
      async ({ command, caller, input, body, set, clientShare }) => {
        const who = person(await caller())
        const number = numberIn(input(PhoneInput, body))
        return command((tx) => askPhoneCode(tx, who, number), {
          status: 202,
          before: async () => addStanding(set, countPhoneCode(who.userId, number, clientShare())),
        })
      },
      described({
        tag,
        summary: "Give a phone number",
        description:
          "A text with a code of six digits goes to the number. The number counts when the code has come back, within ten " +
          "minutes. Until then texts go to the number before it. A newer code ends an older one.",
        body: PhoneInput,
        answer: PhoneAnswer,
        status: 202,
        events: ["user.phone_code_requested"],
        audited: "user.phone_code_requested",
      }),
    )
    .post(
      "/v1/me/phone/verification",
      async ({ command, caller, input, body }) => {
        const who = person(await caller())
        const { code } = input(PhoneCode, body)
        return command((tx, codeId: string) => verifyPhone(tx, who, codeId), {
          before: () => checkPhoneCode(app.db, app.secrets, who, code),
        })
      },
      described({
        tag,
        summary: "Verify the phone number",
        description: "With the code of the latest text. Five wrong codes make it void.",
        body: PhoneCode,
        answer: PhoneAnswer,
        events: ["user.updated"],
        audited: "user.phone_verified",
      }),
    )
    .delete(
      "/v1/me/phone",
      async ({ command, caller }) => {
        const who = person(await caller())
        return command((tx) => removePhone(tx, who))
      },
      described({
        tag,
        summary: "Remove one's own phone number",
        description: "No text is sent any more.",
        events: ["user.updated"],
        audited: "user.phone_removed",
      }),
    )
}

function person(caller: Caller): Caller {
  requirePerson(caller)
  return caller
}
