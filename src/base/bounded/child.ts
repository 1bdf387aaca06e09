/**
 * The program of a child process: it does one task at a time, and answers its parent. It holds no secret and opens no
 * connection. It ends when its parent does.
 */
import { answerBytes, type ChildAnswer, type ChildRequest } from "./protocol.ts"

process.on("disconnect", () => process.exit(0))
process.on("message", async (request: ChildRequest) => {
  process.send?.(await answerTo(request))
})

async function answerTo({ module, input }: ChildRequest): Promise<ChildAnswer> {
  try {
    const { default: run } = (await import(module)) as { default: (input: unknown) => unknown }
    const value = await run(input)
    const isTooLarge = (JSON.stringify(value)?.length ?? 0) > answerBytes
    return isTooLarge ? { failed: `The answer has more than ${answerBytes} characters.` } : { done: value }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    // So says the runtime when the system gives no more memory.
    return error instanceof RangeError && message === "Out of memory" ? { outOfMemory: true } : { failed: message }
  }
}
