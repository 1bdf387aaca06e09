// The callers of the authorization matrix, each named by a letter.

export const callers = {
  P: "platform administrator",
  O: "owner",
  A: "administrator",
  S: "staff",
  C: "coach",
  M: "player",
  R: "parent",
  K: "API key",
  X: "owner elsewhere",
  Z: "stranger",
  N: "nobody",
} as const
export type Letter = keyof typeof callers
