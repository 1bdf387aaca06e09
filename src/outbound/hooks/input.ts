/**
 * The body with which a program subscribes. Zapier and Make send what their app is told to send. The names of the
 * address that their guides use are all taken, and exactly one of them is given.
 */
import * as Schema from "effect/Schema"
import { InvalidInput } from "#base/errors.ts"
import { Name } from "#base/schema/request-fields.ts"
import { facilityWebhookEvents } from "#events/catalogue.ts"
import { WebhookInput } from "#outbound/webhooks/input.ts"

/** Half of a facility's webhooks, so that people keep room for those that they make. */
export const maxHookSubscriptions = 50

const { optionalKey: optional } = Schema
const { url } = WebhookInput.fields

const addressNames = ["hookUrl", "targetUrl", "target_url"] as const

export const HookInput = Schema.Struct({
  hookUrl: optional(url).annotateKey({ description: "where the events go; exactly one of its three names is given" }),
  targetUrl: optional(url).annotateKey({ description: "another name of hookUrl" }),
  target_url: optional(url).annotateKey({ description: "another name of hookUrl" }),
  event: Schema.Literals(facilityWebhookEvents),
  name: optional(Name).annotateKey({ description: "what people see in the list of webhooks" }),
})
export type HookInput = typeof HookInput.Type

/** The address of a subscription, and its name. Throws InvalidInput unless exactly one of its names is given. */
export function addressOfHook(input: HookInput): { readonly url: string; readonly name: string } {
  const given = addressNames.filter((name) => input[name] !== undefined)
  const [first, second] = given
  if (first === undefined || second !== undefined) {
    const path = `body.${second ?? addressNames[0]}`
    throw new InvalidInput([{ path, message: `Expected exactly one of ${addressNames.join(", ")}` }])
  }
  return { url: input[first] as string, name: first }
}
