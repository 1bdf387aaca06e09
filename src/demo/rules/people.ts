/** The week before, fourth part: the people of the club. */
import { platformFacilityId } from "#base/ids.ts"
import type { Club } from "#demo/club.ts"
import type { Stage } from "#demo/stage.ts"

export async function knowPeople(stage: Stage, { at, id, owner, desk, anna, ben }: Club): Promise<void> {
  const { ask, bites, call, db, say, signIn, until } = stage
  say("\nThe old list of members comes in, and people look after their accounts")
  const run = anna.email.slice(anna.email.indexOf(".") + 1)
  const csv = [
    "lastName;firstName;email;memberNumber;phone",
    `Moreau;Ida;ida.${run};0007;0041 44 123`,
    "Stein;Otto;;0008;",
    "Kurz;Eva;no address;0009;",
  ]
  const imported = await ask(owner, "POST", `${at}/members/import`, { csv: csv.join("\n"), delimiter: ";" })
  const lines = imported.body.lines as readonly { readonly line: number; readonly status: string }[]
  bites({
    rule: "import of members",
    asked: "the owner imports three lines, one of them with a broken address",
    answer: imported,
    found: lines.map(({ line, status }) => [line, status]),
    right: [
      [2, "created"],
      [3, "created"],
      [4, "refused"],
    ],
    why: "the report says what became of each line",
  })
  const found = await ask(desk, "GET", `${at}/members?q=0007`)
  bites({
    rule: "list of members",
    asked: "the desk looks for the number 0007",
    answer: found,
    found: found.body.data.map((each: Member) => [each.firstName, each.memberNumber, each.phone]),
    right: [["Ida", "0007", "0041 44 123"]],
    why: "it is Ida, and the zeros in front stay",
  })

  const mails = async (events: readonly string[]) =>
    (
      await db`
        select from slotbase.notifications
        where event_id = any (${events as string[]}) and facility_id in (${id}, ${platformFacilityId}) and channel = 'email'`
    ).length
  const mailed = (events: readonly string[]) =>
    until(
      "the mail",
      () => mails(events),
      (count) => count > 0,
    )
  const invited = await ask(owner, "POST", `${at}/members/${found.body.data[0].userId}/invitation`, {})
  bites({
    rule: "invitation",
    asked: "the owner invites Ida",
    answer: invited,
    found: [invited.status, await mailed(invited.events)],
    right: [202, 1],
    why: "one mail has a link, with which she sets a password",
  })
  const nobody = await ask(null, "POST", "/v1/password-resets", { email: `nobody.${run}` })
  const forgotten = await ask(null, "POST", "/v1/password-resets", { email: anna.email })
  const toAnna = await mailed(forgotten.events)
  bites({
    rule: "forgotten password",
    asked: "Anna and somebody without an account forget their passwords",
    answer: forgotten,
    found: [nobody.status, nobody.body, toAnna, await mails(nobody.events)],
    right: [forgotten.status, forgotten.body, 1, 0],
    why: "the answer is the same for both, and only Anna gets a mail",
  })
  await signIn(ben)
  const ended = await ask(ben, "DELETE", "/v1/me/sessions")
  const { data: open } = await call(ben, "GET", "/v1/me/sessions")
  bites({
    rule: "sessions",
    asked: "Ben signs in on a new phone, and signs out everywhere else",
    answer: ended,
    found: [ended.body.sessionsEnded, open.length],
    right: [1, 1],
    why: "the old session is over, and the new one is the only one",
  })
}

interface Member {
  readonly firstName: string
  readonly memberNumber: string
  readonly phone: string
}
