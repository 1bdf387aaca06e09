// What BullMQ's contestant and its workers share: their settings, and how they connect to Redis.

import { createBunRedisClient } from "bullmq"
import type { PeerSettings } from "./peer-work.ts"

export interface BullSettings extends PeerSettings {
  /** Jobs of a handler side by side. */
  readonly concurrency: number
  readonly webhookConcurrency: number
}

export const connectRedis = (port: number) => createBunRedisClient(new Bun.RedisClient(`redis://127.0.0.1:${port}`))
