/** The `webhooks` of the OpenAPI document: the request of each type of event, with its headers and its answers. */
import { webhookAnswers, webhookHeaders, webhookMessages } from "./webhook-messages.ts"

export const openApiWebhooks = () =>
  Object.fromEntries(
    webhookMessages().map(({ type, description, schema, body }) => [
      type,
      {
        post: {
          summary: type,
          description: `${description}\n\nThe body is the event, in the format of the webhook; this is the default one.`,
          tags: ["Requests to webhooks"],
          // The receiver's security is that of its webhook.
          security: [],
          parameters: Object.keys(webhookHeaders)
            .filter(isParameter)
            .map((name) => ({ $ref: `#/components/parameters/${name}` })),
          requestBody: {
            required: true,
            content: { "application/json": { schema, examples: { sample: { value: body, summary: "A sample" } } } },
          },
          responses: Object.fromEntries(
            Object.entries(webhookAnswers).map(([status, says]) => [status, { description: says }]),
          ),
        },
      },
    ]),
  )

/** The headers as parameters of the components. */
export function openApiWebhookHeaders() {
  const [first] = webhookMessages()
  return Object.fromEntries(
    Object.entries(webhookHeaders)
      .filter(([name]) => isParameter(name))
      .map(([name, { description, optional = false }]) => [
        name,
        {
          name,
          in: "header",
          description,
          required: !optional,
          schema: { type: "string" },
          ...(first?.headers[name] !== undefined && { example: first.headers[name] }),
        },
      ]),
  )
}

/** OpenAPI 3.1 says of a parameter with the name of these headers that it is ignored. */
const isParameter = (name: string) => !["content-type", "accept", "authorization"].includes(name.toLowerCase())
