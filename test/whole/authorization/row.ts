// A row of the authorization matrix, and the callers that it names by a letter each.

import type { Scene } from "./scene.ts"

export const everybody = "POASCMRKXZN"
export const known = "POASCMRKXZ"
export const members = "POASCMRK"
export const staff = "POASK"
export const admins = "POA"
export const platform = "P"

export type Row = readonly [route: string, may: string, more?: More]
export interface More {
  /** Who may besides when the thing is their own: M a player, C a coach, R a parent. */
  readonly own?: string
  /** What a parent must be allowed for their child to do it in the child's place. */
  readonly child?: "book" | "pay" | "view_feedback"
  /** What a parent is told who has no permission for their child; default: what every member is who may not. */
  readonly unpermitted?: "may" | 403
  /** What a member is told who may not; default 403. */
  readonly refused?: 404
  /** Callers from whom the thing is hidden: 404, where others are told 403. */
  readonly hidden?: string
  /** What nobody is told; default 401. */
  readonly nobody?: 403 | 404
  /** What is sent; default: the smallest body that the document allows, with ids of the scene. */
  readonly body?: (scene: Scene) => unknown
  /** What is sent when it is no JSON. */
  readonly form?: () => FormData
  readonly query?: string
  /** A thing that stands in the body: `scene.params` has its id under this part of an address. */
  readonly about?: string
  /** The thing in the address is made as another one is: by the part, whose maker is taken. */
  readonly madeAs?: Readonly<Record<string, string>>
  /** What everybody who may is told, because the thing is not in the state that the command wants: status and code. */
  readonly meets?: string
  /** What others who may are told after one has succeeded, or where only one of them can succeed: status and code. */
  readonly orElse?: string
  /** The call ends the caller's session: each is made with a new one. */
  readonly signsOut?: true
}
