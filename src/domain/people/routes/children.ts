/** Parents and children: adding and removing a child, and answering an invitation to be one. */
import { Elysia } from "elysia"
import { hashPassword } from "#access/passwords.ts"
import { RateLimiter } from "#base/limits/rate-limiter.ts"
import { rates, scaled } from "#base/limits/table.ts"
import { NoInput } from "#base/schema/no-input.ts"
import { ChildLink } from "#domain/people/children/answer.ts"
import { addChild, ChildQuery, listChildren, removeChild } from "#domain/people/children/children.ts"
import { ChildInput } from "#domain/people/children/input.ts"
import { acceptInvitation, declineInvitation, listChildLinks } from "#domain/people/children/invitations.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { idOf } from "#http/path.ts"
import { addStanding } from "#http/rate-headers.ts"
import { api } from "#http/route.ts"

const tag = "People"

export const childRoutes = (app: App) => {
  const added = new RateLimiter(scaled(rates.childLink, app.config.requestsPerSecond))
  return new Elysia({ name: "children" })
    .use(api(app))
    .post(
      "/v1/users/:id/children",
      async ({ command, caller, input, body, params, set, clientShare }) => {
        const who = await caller()
        const parentId = idOf(params.id, "user")
        const child = input(ChildInput, body)
        if (who.userId === parentId) addStanding(set, added.require(parentId))
        const { password } = child
        return command((tx, hash: string | undefined) => addChild(tx, who, parentId, child, hash), {
          status: 201,
          before: async () => (password === undefined ? undefined : hashPassword(password, clientShare(), child)),
        })
      },
      described({
        tag,
        summary: "Add a child to a parent",
        description:
          "Without a `childId` an account is made for the child. A person with an account is invited (`status` is " +
          "`invited`), and linked when they accept. Staff link two members of their facility at once. The link then " +
          "counts in this facility only (`countsIn`), until the child's side accepts it.",
        body: ChildInput,
        answer: ChildLink,
        status: 201,
        events: ["user.created", "parent_child.linked", "user.role_assigned"],
        problems: [409],
        audited: "child_link.made",
      }),
    )
    .get(
      "/v1/users/:id/children",
      async ({ caller, input, query, params }) => {
        const who = await caller()
        return listChildren(app.db, who, idOf(params.id, "user"), input(ChildQuery, query))
      },
      described({
        tag,
        summary: "List a parent's children and invitations",
        description: "Staff see those children who are members of a facility of theirs, as the parent is.",
        query: ChildQuery,
        answer: listOf(ChildLink),
      }),
    )
    .delete(
      "/v1/users/:id/children/:childId",
      async ({ command, caller, params }) => {
        const who = await caller()
        const [parentId, childId] = [idOf(params.id, "user"), idOf(params.childId, "child")]
        return command((tx) => removeChild(tx, who, parentId, childId))
      },
      described({
        tag,
        summary: "End a link between parent and child, or take an invitation back",
        description:
          "For the parent, the child, and the parent who made the child's account. Staff end the links that staff made " +
          "in their facility.",
        events: ["parent_child.unlinked", "user.role_revoked"],
        problems: [409],
        audited: "child_link.ended",
      }),
    )
    .get(
      "/v1/child-links",
      async ({ caller, input, query }) => listChildLinks(app.db, await caller(), input(ChildQuery, query)),
      described({
        tag,
        summary: "List the caller's parents, and the invitations to answer",
        description: "Also those of the children whose accounts the caller made.",
        query: ChildQuery,
        answer: listOf(ChildLink),
      }),
    )
    .post(
      "/v1/child-links/:id/accept",
      async ({ command, caller, input, body, params }) => {
        const who = await caller()
        const id = idOf(params.id, "invitation")
        input(NoInput, body)
        return command((tx) => acceptInvitation(tx, who, id))
      },
      described({
        tag,
        summary: "Accept an invitation to be a child",
        description: "Or a link that staff made in their facility. From then on it counts everywhere.",
        body: NoInput,
        answer: ChildLink,
        events: ["parent_child.linked", "user.role_assigned"],
        problems: [409],
        audited: "child_link.accepted",
      }),
    )
    .post(
      "/v1/child-links/:id/decline",
      async ({ command, caller, input, body, params }) => {
        const who = await caller()
        const id = idOf(params.id, "invitation")
        input(NoInput, body)
        return command((tx) => declineInvitation(tx, who, id))
      },
      described({
        tag,
        summary: "Decline an invitation to be a child",
        description: "The parent may send another.",
        body: NoInput,
        answer: ChildLink,
        problems: [409],
        audited: "child_link.declined",
      }),
    )
}
