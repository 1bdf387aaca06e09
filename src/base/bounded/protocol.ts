/** The messages between a child process and its parent, both as JSON. */

export interface ChildRequest {
  /** The absolute path of the module whose default export does the task. */
  readonly module: string
  readonly input: unknown
}

export type ChildAnswer =
  | { readonly done: unknown }
  /** The task threw. */
  | { readonly failed: string }
  | { readonly outOfMemory: true }

/** Characters. An answer is what was found in a file, not the file; a mail with its text is the largest. */
export const answerBytes = 4 * 1024 * 1024
