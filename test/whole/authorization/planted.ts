// Worlds that break the second dimension of the matrix, in front of the real program. Its test must find each of them.

import { rootKey } from "#test/harness/setup/system.ts"
import type { World } from "./scene.ts"

/** A world in which these routes ask nobody for a right: whoever calls is answered like the platform. */
export function ignoringScope(world: World, routes: readonly string[]): World {
  const patterns = routes.map((route) => new RegExp(`^${route.replace(/:\w+/g, "[^/?]+")}(?:\\?.*)?$`))
  const isPlanted = (name: string) => patterns.some((pattern) => pattern.test(name))
  return {
    ...world,
    api: {
      ...world.api,
      call: (method, path, options) =>
        world.api.call(method, path, isPlanted(`${method} ${path}`) ? { ...options, token: rootKey } : options),
    },
  }
}

/** A world in which a refusal says that the person in the body exists. */
export function tellingOf(world: World, person: string): World {
  return {
    ...world,
    api: {
      ...world.api,
      async call(method, path, options) {
        const answer = await world.api.call(method, path, options)
        if (!JSON.stringify(options?.body ?? {}).includes(person)) return answer
        return { ...answer, body: { ...answer.body, detail: "a member of another facility" } }
      },
    },
  }
}
