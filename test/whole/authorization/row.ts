// A row of the authorization matrix, and groups of callers by their letters.

import type { Scene } from "./scene.ts"

export const everybody = "POASCMRKXZN"
export const known = "POASCMRKXZ"
export const members = "POASCMRK"
export const staff = "POASK"
export const admins = "POA"
export const platform = "P"

export type Row = readonly [route: string, may: string, more?: More]
export interface More {
  /** Further callers that may act on their own thing: M a player, C a coach, R a parent. */
  readonly own?: string
  /** The permission with which a parent may act in the child's place. */
  readonly child?: "book" | "pay" | "view_feedback"
  /** The answer to a parent without the permission; default: the answer to every refused member. */
  readonly unpermitted?: "may" | 403
  /** The answer to a refused member; default 403. */
  readonly refused?: 404
  /** Callers that get a 404, because the thing is hidden from them, where others get a 403. */
  readonly hidden?: string
  /** The answer to callers without credentials; default 401. */
  readonly nobody?: 403 | 404
  /** The request body; default: the smallest body that the document allows, with ids of the scene. */
  readonly body?: (scene: Scene) => unknown
  /** The request body when it is a form. */
  readonly form?: () => FormData
  readonly query?: string
  readonly headers?: Readonly<Record<string, string>>
  /** A thing in the body: `scene.params` has its id under this part of an address. */
  readonly about?: string
  /** Uses the maker of another part for a part of the address. */
  readonly madeAs?: Readonly<Record<string, string>>
  /** The answer to every permitted caller, because the command needs another state: status and code. */
  readonly meets?: string
  /** The answer to permitted callers after one success, or where only one of them can succeed: status and code. */
  readonly orElse?: string
  /** Says what the server can do, in the same words for every address. It reads nothing of the facility. */
  readonly readsNothing?: true
  /** The call ends the caller's session, so that each call uses a new session. */
  readonly signsOut?: true
}
