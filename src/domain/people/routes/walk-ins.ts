/** Guests without an account. */
import { Elysia } from "elysia"
import { requireStaff } from "#access/caller.ts"
import { createWalkIn, WalkIn, WalkInInput } from "#domain/people/walk-ins.ts"
import type { App } from "#http/app.ts"
import { described } from "#http/describe.ts"
import { facilityIdOf } from "#http/path.ts"
import { api } from "#http/route.ts"

export const walkInRoutes = (app: App) =>
  new Elysia({ name: "walk-ins" }).use(api(app)).post(
    "/v1/facilities/:facilityId/walk-ins",
    async ({ command, caller, input, body, params }) => {
      const staff = requireStaff(await caller(), facilityIdOf(params.facilityId))
      const walkIn = input(WalkInInput, body)
      return command((tx) => createWalkIn(tx, staff, walkIn), { status: 201 })
    },
    described({
      tag: "People",
      summary: "Make a walk-in, to book for a guest without an account",
      description: "For staff. The guest cannot sign in and is a player of this facility; the plan counts the guest.",
      body: WalkInInput,
      answer: WalkIn,
      status: 201,
      events: ["user.created"],
      audited: "walk_in.created",
    }),
  )
