/**
 * The hooks of this installation, in the order of running. To add a hook, add a file beside this one, and its name
 * here.
 */
import type { AnyHook } from "./create-hooks.ts"

export const registeredHooks: readonly AnyHook[] = []
