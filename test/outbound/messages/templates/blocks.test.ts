// The parts of a mail with charts: bars of table cells with their numbers beside them, and names that add nothing.

import { expect, test } from "bun:test"
import { render } from "#outbound/messages/render.ts"
import { sampleReport, sampleSummary } from "#outbound/messages/sample-made.ts"
import { samples, viewOf } from "#outbound/messages/sample-view.ts"
import { blocksAsHtml, blocksAsText, cutRows, mailBlock } from "#outbound/messages/templates/blocks.ts"

const bars = (...shares: number[]) =>
  mailBlock(
    "Courts",
    shares.map((share, nth) => ({ label: `${nth}`, value: "x", share })),
  )
const widthsOf = (html: string) => [...html.matchAll(/<td width="(\d+)%"/g)].map(([, width]) => Number(width))

test("a bar is a cell with its rest, a bar of nothing has the rest alone, and no share leaves the mail", () => {
  expect(widthsOf(blocksAsHtml(bars(0.25)))).toEqual([25, 75])
  expect(widthsOf(blocksAsHtml(bars(0)))).toEqual([100])
  expect(widthsOf(blocksAsHtml(bars(1)))).toEqual([100])
  expect(widthsOf(blocksAsHtml(bars(3, -1)))).toEqual([100, 100])
})

test("the text has every number, and a block without rows is no block", () => {
  expect(blocksAsText(mailBlock("Courts", [{ label: "Court 1", value: "63 %", share: 0.63 }, undefined]), true)).toBe(
    "\nCourts\n- Court 1: 63 %\n",
  )
  expect(mailBlock("Courts", [undefined])).toEqual([])
})

test("a long list is cut, and says how many more there are", () => {
  const row = (name: string) => ({ label: name, value: "1" })
  expect(cutRows(["a", "b", "c"], 2, row, "de")).toEqual([row("a"), row("b"), { label: "Weitere", value: "+1" }])
  expect(cutRows(["a", "b"], 2, row, "en")).toEqual([row("a"), row("b")])
})

test("the name of a court or a skill adds no line and no markup", () => {
  const evil = "<b>Court</b>\n- Paid: nothing"
  const [court] = sampleReport.resources
  const [skill] = sampleSummary.skills
  if (!court || !skill) throw new Error("the samples have no court and no skill")
  const report = render(
    "daily-report",
    { ...viewOf("facility.report.made", {}), report: { ...sampleReport, resources: [{ ...court, name: evil }] } },
    "en",
  )
  const summary = render(
    "progress-summary",
    {
      ...viewOf("progress.summary.made", {}),
      summary: { ...sampleSummary, skills: [{ ...skill, skillName: evil }] },
    },
    "en",
  )
  for (const { text, html } of [report, summary]) {
    expect(text).not.toMatch(/^- Paid: nothing/m)
    expect(html).toContain("&lt;b&gt;Court&lt;/b&gt; - Paid: nothing")
    expect(html).not.toContain("<b>Court")
  }
})

test("each sport of a summary has a scale of its own, and the latest level is the main bar", () => {
  const history = (...levels: number[]) => levels.map((level) => ({ level, assessedAt: "2026-03-10T10:00:00.000Z" }))
  const skill = { skillName: "Serve", before: 1, level: 2, improvementPercent: 100 }
  const { html } = render(
    "progress-summary",
    {
      ...viewOf("progress.summary.made", {}),
      summary: {
        ...sampleSummary,
        skills: [
          { ...skill, skillId: "tennis.serve", sport: "tennis", history: history(1, 2) },
          { ...skill, skillId: "swimming.crawl", sport: "swimming", history: history(50, 100) },
        ],
      },
    },
    "en",
  )
  expect(
    [...html.matchAll(/<td width="(\d+)%" height="8" bgcolor="#\w+" class="(fill|main)"/g)].map(([, ...of]) => of),
  ).toEqual([
    ["50", "fill"],
    ["100", "main"],
    ["50", "fill"],
    ["100", "main"],
  ])
})

test("the colours of charts in dark mode are in the mails that have one, and in no other", () => {
  for (const { templateId, view } of samples()) {
    const hasChart = templateId === "daily-report" || templateId === "progress-summary"
    expect([templateId, render(templateId, view, "en").html.includes(".fill{")]).toEqual([templateId, hasChart])
  }
})
