/** The configured service for text and speech; undefined: agents work by rules alone. */
import type { Config } from "#base/config.ts"
import { openAiCompatible } from "./openai-compatible.ts"
import type { AgentService } from "./service.ts"

export const agentServiceOf = ({ ai, egressAllow }: Pick<Config, "ai" | "egressAllow">): AgentService | undefined =>
  ai && openAiCompatible(ai, egressAllow)
