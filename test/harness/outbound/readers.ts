// People with a verified phone number or with a browser, and the services that take their messages.

import type { Caller } from "#access/caller.ts"
import type { Config } from "#base/config.ts"
import { transact } from "#events/outbox.ts"
import { loadPushKey } from "#outbound/messages/channels/push/keys.ts"
import { subscribeBrowser } from "#outbound/messages/channels/push/subscriptions.ts"
import { setSwitch } from "#outbound/messages/preferences/rows.ts"
import type { PersonRow } from "#test/harness/club/factories.ts"
import { aBrowser, type Browser } from "#test/harness/outside/push-service.ts"
import { context } from "#test/harness/pipeline/pipeline.ts"
import type { TestApp } from "#test/harness/setup/app.ts"

/** Text messages go to a provider with Twilio's API at this address. */
export const smsAt = (url: string): NonNullable<Config["sms"]> => ({
  accountSid: `AC${"0123456789abcdef".repeat(2)}`,
  authToken: "secret",
  from: "+15005550006",
  apiBase: url,
})

/** The person wants texts, at this number. */
export async function textsTo({ db }: Pick<TestApp, "db">, person: PersonRow, number: string): Promise<void> {
  await db`
    insert into slotbase.phones (user_id, number, verified_at) values (${person.id}, ${number}, slotbase.now())
    on conflict (user_id) do update set number = excluded.number`
  await db.begin((tx) => setSwitch(tx, person.id, { type: "*", channel: "sms", enabled: true }))
}

/** The person subscribes a browser at this address of a push service. Answers it with the subscription's id. */
export async function browserOf(
  app: Pick<TestApp, "db" | "secrets" | "config">,
  person: PersonRow,
  endpoint: string,
): Promise<Browser & { readonly id: string }> {
  const browser = aBrowser()
  const serverKey = (await loadPushKey(app)).publicKey
  const { result } = await transact(app.db, context, (tx) =>
    subscribeBrowser(tx, app.secrets, { userId: person.id } as Caller, { endpoint, keys: browser.keys, serverKey }),
  )
  return { ...browser, id: result.answer.id }
}
