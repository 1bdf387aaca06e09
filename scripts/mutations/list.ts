/** All mutations, in the order of an event's way. */
import { actorMutations } from "./list/actors.ts"
import { deliveryMutations } from "./list/deliveries.ts"
import { eventMutations } from "./list/events.ts"
import { jointMutations } from "./list/joint.ts"
import { runLoopMutations } from "./list/run-loop.ts"
import { runMutations } from "./list/runs.ts"
import type { Mutation } from "./mutation.ts"

export const mutations: readonly Mutation[] = [
  ...eventMutations,
  ...actorMutations,
  ...runLoopMutations,
  ...runMutations,
  ...jointMutations,
  ...deliveryMutations,
]
