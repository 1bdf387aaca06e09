/**
 * Makes the body of an event in the format of its webhook. The same event, format and facility make the same body. A
 * template that asks for the time (`now`) or for chance (`sample`) makes another one each time. So a body is kept
 * before it is sent (kept-bodies.ts).
 */
import type { DomainEvent } from "#events/envelope.ts"
import { binaryCloudEvent, structuredCloudEvent } from "./cloudevents.ts"
import type { BodyFacility, BodyFormat, MadeBody } from "./format.ts"
import { renderTemplate } from "./render-template.ts"
import { zapierBody } from "./zapier.ts"

/**
 * @param text the event's own text, which is the body in the default format
 * @throws BodyNotMade; TooMany when too many templates of the facility wait
 */
export async function makeBody(text: string, wanted: BodyFormat, facility: BodyFacility): Promise<MadeBody> {
  if (wanted.format === "slotbase") return { body: text, contentType: "application/json", headers: {} }
  const event = JSON.parse(text) as DomainEvent
  switch (wanted.format) {
    case "cloudevents":
      return structuredCloudEvent(event)
    case "cloudevents-binary":
      return binaryCloudEvent(event)
    case "zapier":
      return zapierBody(event, facility)
    case "template":
      return renderTemplate(event, wanted, facility)
  }
}
