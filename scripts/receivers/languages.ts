/**
 * How each language runs its verification over `receivers/vectors.json`. A run prints a JSON list with the form or the
 * error of each vector, in their order. Go needs a folder of its own, so its program is written to a temporary one.
 */
import { cp, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

const folder = join(import.meta.dir, "../../receivers")

export interface Language {
  readonly name: string
  /** The program that must be installed. */
  readonly program: string
  /** Debian's package of the program. */
  readonly debian: string
  readonly run: () => Promise<string>
}

/** One vector: a request, and what a verification must say. */
export interface Vector {
  readonly name: string
  readonly secrets: readonly string[]
  readonly now: number
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  readonly form?: "standard" | "slotbase"
  readonly error?: string
}

export async function readVectors(): Promise<readonly Vector[]> {
  return (await Bun.file(join(folder, "vectors.json")).json()).vectors
}

const javascript = `
import { readFileSync } from "node:fs"
import { verifyWebhook } from ${JSON.stringify(join(folder, "verify-webhook.js"))}
const { vectors } = JSON.parse(readFileSync("vectors.json", "utf8"))
console.log(JSON.stringify(vectors.map(({ secrets, ...vector }) => {
  try { return verifyWebhook({ ...vector, secret: secrets }).form } catch (error) { return error.code ?? String(error) }
})))`

const python = `
import json
from verify_webhook import WebhookVerificationError, verify_webhook
def said(v):
    try:
        return verify_webhook(v["body"].encode(), v["headers"], v["secrets"], now=v["now"])["form"]
    except WebhookVerificationError as error:
        return error.code
print(json.dumps([said(v) for v in json.load(open("vectors.json", encoding="utf-8"))["vectors"]]))`

const php = `
require 'verify_webhook.php';
echo json_encode(array_map(function ($v) {
    try { return verify_webhook($v['body'], $v['headers'], $v['secrets'], now: $v['now'])['form']; }
    catch (WebhookVerificationError $error) { return $error->reason; }
}, json_decode(file_get_contents('vectors.json'), true)['vectors']));`

const go = `package slotbase

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"
)

func TestVectors(t *testing.T) {
	text, _ := os.ReadFile("vectors.json")
	var file struct {
		Vectors []struct {
			Secrets []string
			Now     int64
			Body    string
			Headers map[string]string
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	said := []string{}
	for _, v := range file.Vectors {
		header := http.Header{}
		for name, value := range v.Headers {
			header.Set(name, value)
		}
		verified, err := VerifyWebhook([]byte(v.Body), header, v.Secrets, 5*time.Minute, time.Unix(v.Now, 0))
		if err != nil {
			said = append(said, err.(*VerificationError).Code)
		} else {
			said = append(said, verified.Form)
		}
	}
	line, _ := json.Marshal(said)
	fmt.Println(string(line))
}
`

export const languages: readonly Language[] = [
  { name: "Bun", program: process.execPath, debian: "", run: () => said([process.execPath, "-e", javascript]) },
  {
    name: "Node",
    program: "node",
    debian: "nodejs",
    run: () => said(["node", "--input-type=module", "-e", javascript]),
  },
  { name: "Python", program: "python3", debian: "python3", run: () => said(["python3", "-B", "-c", python]) },
  { name: "PHP", program: "php", debian: "php-cli", run: () => said(["php", "-r", php]) },
  { name: "Go", program: "go", debian: "golang-go", run: runGo },
]

export const isInstalled = ({ program }: Language): boolean => Bun.which(program) !== null

async function runGo(): Promise<string> {
  const module = await mkdtemp(join(tmpdir(), "slotbase-receivers-"))
  try {
    for (const file of ["verify_webhook.go", "vectors.json"]) await cp(join(folder, file), join(module, file))
    await Bun.write(join(module, "go.mod"), "module slotbase\n\ngo 1.19\n")
    await Bun.write(join(module, "vectors_test.go"), go)
    const output = await said(["go", "test", "-v", "-run", "TestVectors", "."], module)
    return output.split("\n").find((line) => line.startsWith("[")) ?? output
  } finally {
    await rm(module, { recursive: true, force: true })
  }
}

async function said(command: readonly string[], cwd = folder): Promise<string> {
  const child = Bun.spawn([...command], { cwd, stdin: "ignore", stdout: "pipe", stderr: "pipe" })
  const [out, errors, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  if (code !== 0) throw new Error(`${command[0]} ended with ${code}: ${errors}${out}`)
  return out
}
