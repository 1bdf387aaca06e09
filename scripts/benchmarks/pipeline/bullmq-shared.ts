// The settings of BullMQ and its connection to Redis, shared by the contestant and its workers.

import { createBunRedisClient } from "bullmq"
import type { PeerSettings } from "./peer-work.ts"

export interface BullSettings extends PeerSettings {
  /** Concurrent jobs of a handler. */
  readonly concurrency: number
  readonly webhookConcurrency: number
}

export const connectRedis = (port: number) => createBunRedisClient(new Bun.RedisClient(`redis://127.0.0.1:${port}`))
