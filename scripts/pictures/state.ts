// A state of the booking page: what it is called, what is seen, and how the page gets there.

import type { Page } from "playwright-core"
import type { Scene } from "./scene.ts"

export interface State {
  /** The name of its files, such as day-full. */
  readonly name: string
  /** What is seen, in a few words. */
  readonly title: string
  /** The whole page is taken, not the window alone. */
  readonly isWhole?: true
  /** Brings a page of its own into the state. */
  readonly arrange: (scene: Scene) => Promise<Page>
}
