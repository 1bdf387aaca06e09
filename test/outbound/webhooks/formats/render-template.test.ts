// Templates of facilities, rendered in real child processes: what they make, and what ends them.

import { describe, expect, test } from "bun:test"
import { describeEventType } from "#events/describe.ts"
import { BodyNotMade } from "#outbound/webhooks/formats/format.ts"
import { renderTemplate } from "#outbound/webhooks/formats/render-template.ts"

const sample = describeEventType("booking.confirmed").sample
const facility = { id: "f-1", name: "Riverside", timezone: "Europe/Berlin" }

interface Given {
  readonly contentType?: string
  readonly data?: object
  readonly timezone?: string
}

const render = async (template: string, { contentType = "text/plain", data = {}, timezone }: Given = {}) => {
  const event = { ...sample, data: { ...sample.data, ...data } }
  const wanted = { format: "template" as const, template, content_type: contentType }
  return (await renderTemplate(event, wanted, { ...facility, ...(timezone !== undefined && { timezone }) })).body
}
const faultOf = async (template: string, given: Given = {}) => {
  const error = await render(template, given).then(
    (body) => `it rendered ${body.length} characters`,
    (error: unknown) => error,
  )
  return error instanceof BodyNotMade ? error.fault : error
}

test("a time is that of the facility, also in the hours in which clocks change, here and where the server runs", async () => {
  const shown = (timezone: string, startAt: string) =>
    render('{{ data.startAt | date: "%H:%M" }}', { timezone, data: { startAt } })
  expect([
    await shown("Asia/Tokyo", "2026-03-28T17:30:00Z"),
    await shown("America/New_York", "2026-03-29T06:30:00Z"),
    await shown("Europe/Berlin", "2026-03-29T00:30:00Z"),
    await shown("Europe/Berlin", "2026-03-29T01:30:00Z"),
    await shown("Europe/Berlin", "2026-10-25T00:30:00Z"),
    await shown("Europe/Berlin", "2026-10-25T01:30:00Z"),
  ]).toEqual(["02:30", "02:30", "01:30", "03:30", "02:30", "02:30"])
})

describe("the specification's example", () => {
  const mapping = {
    "Booking ID": "{{data.bookingId}}",
    "Customer Name": "{{data.bookerName}}",
    "Customer Email": "{{data.bookerEmail}}",
    Court: "{{data.resourceName}}",
    Date: '{{data.startAt | date: "%Y-%m-%d"}}',
    Time: '{{data.startAt | date: "%H:%M"}}',
    Amount: "{{data.priceAmount}}",
  }
  // As a person writes it: the quotation marks inside the braces belong to Liquid.
  const template = `{${Object.entries(mapping)
    .map(([name, value]) => `"${name}": "${value}"`)
    .join(",\n")}}`

  test("makes the row, with day and time on the facility's clock", async () => {
    const data = { startAt: "2026-03-12T23:30:00.000Z", bookerName: 'Mia "Ace" Ö\\Keller', priceAmount: 2400 }
    const { bookingId, bookerEmail, resourceName } = sample.data as Record<string, string>
    expect(JSON.parse(await render(template, { contentType: "application/json", data }))).toEqual({
      "Booking ID": bookingId,
      "Customer Name": 'Mia "Ace" Ö\\Keller',
      "Customer Email": bookerEmail,
      Court: resourceName,
      Date: "2026-03-13",
      Time: "00:30",
      Amount: "2400",
    })
  })

  test("is right on both sides of each change of the clocks, to the minute", async () => {
    const at = (startAt: string, timezone = "Europe/Berlin") =>
      render('{{data.startAt | date: "%Y-%m-%d %H:%M %z"}}', { data: { startAt }, timezone })
    expect(await at("2026-03-29T00:59:00.000Z")).toBe("2026-03-29 01:59 +0100")
    expect(await at("2026-03-29T01:00:00.000Z")).toBe("2026-03-29 03:00 +0200")
    expect(await at("2026-10-25T00:30:00.000Z")).toBe("2026-10-25 02:30 +0200")
    expect(await at("2026-10-25T01:30:00.000Z")).toBe("2026-10-25 02:30 +0100")
    expect(await at("2026-10-25T00:30:00.000Z", "Asia/Kathmandu")).toBe("2026-10-25 06:15 +0545")
    expect(await at("2026-03-08T06:59:00.000Z", "America/New_York")).toBe("2026-03-08 01:59 -0500")
    expect(await at("2026-03-08T07:00:00.000Z", "America/New_York")).toBe("2026-03-08 03:00 -0400")
  })
})

describe("dates", () => {
  test("a day stays the day, and a time without a zone is the facility's", async () => {
    const day = '{{ "2026-07-01" | date: "%d.%m.%Y %H:%M" }} {{ "2026-07-01T09:30" | date: "%H:%M %z" }}'
    expect(await render(day)).toBe("01.07.2026 00:00 09:30 +0200")
    expect(await render(day, { timezone: "America/Los_Angeles" })).toBe("01.07.2026 00:00 09:30 -0700")
  })

  test("another zone may be named; what is no date stays; nothing makes nothing", async () => {
    const data = { startAt: "2026-07-01T10:00:00Z" }
    expect(await render('{{ data.startAt | date: "%H:%M", "Asia/Tokyo" }}', { data })).toBe("19:00")
    expect(await render('{{ "soon" | date: "%Y" }}|{{ data.none | date: "%Y" }}')).toBe("soon|")
    expect(await faultOf('{{ data.startAt | date: "%H", "Mars/Olympus" }}', { data })).toEqual({
      message: 'There is no time zone "Mars/Olympus"',
      line: 1,
      column: 1,
    })
  })
})

describe("values", () => {
  test("are escaped for the content type; the filter json writes a whole value", async () => {
    const data = { bookerName: `<b>"A" & 'B'</b>`, priceAmount: 2400 }
    const name = "{{ data.bookerName }}"
    expect(await render(name, { data })).toBe(`<b>"A" & 'B'</b>`)
    expect(await render(name, { data, contentType: "application/xml" })).toBe(
      "&lt;b&gt;&quot;A&quot; &amp; &#39;B&#39;&lt;/b&gt;",
    )
    expect(await render(`a=${name}`, { data, contentType: "application/x-www-form-urlencoded" })).toBe(
      "a=%3Cb%3E%22A%22%20%26%20'B'%3C%2Fb%3E",
    )
    const json = '{"n":{{ data.bookerName | json }},"p":{{ data.priceAmount }},"all":{{ data | json }}}'
    const made = JSON.parse(await render(json, { data, contentType: "application/vnd.club+json" }))
    expect(made).toEqual({ n: data.bookerName, p: 2400, all: { ...sample.data, ...data } })
  })

  test("a template sees the event and the facility, and nothing behind them", async () => {
    expect(await render("{{ type }} {{ facility.name }} {{ facility.timezone }} {{ id }}")).toBe(
      `booking.confirmed Riverside Europe/Berlin ${sample.id}`,
    )
    expect(await render("[{{ data.constructor }}{{ data.__proto__ }}{{ data.toString }}{{ process }}]")).toBe("[]")
  })
})

describe("a fault has its line and column", () => {
  test.each([
    ["a\n  {{ x | nope }}", "undefined filter: nope", 2, 3],
    ["a\n  {{ x ", 'output "{{ x " not closed', 2, 3],
    ["{% if x %}", "tag {% if x %} not closed", 1, 1],
    ["\n\n{% endfor %}", 'tag "endfor" not found', 3, 1],
  ])("%p", async (template, message, line, column) => {
    expect(await faultOf(template)).toEqual({ message, line, column })
  })

  test.each(["include", "render", "layout", "block"])("%s reads files, so it is unknown", async (tag) => {
    expect(await faultOf(`{% ${tag} '/etc/passwd' %}`)).toEqual({
      message: `tag "${tag}" not found`,
      line: 1,
      column: 1,
    })
  })

  test("JSON that is none shows what was made, and the line and column in it", async () => {
    expect(await faultOf('{"a": {{ data.none }}}', { contentType: "application/json" })).toEqual({
      message: expect.stringMatching(
        /^The template makes no valid JSON: line 1, column 7 of what it makes \(.+\)\. There: \{"a": \}$/,
      ),
    })
    const lines = `{% for n in (1..40) %}"row {{ n }}",\n{% endfor %}`
    expect(await faultOf(`[\n${lines}]`, { contentType: "application/json" })).toEqual({
      message: expect.stringMatching(/: line 42, column 1 of what it makes \(.+\)\. There: ….*"row 40",\n\]$/s),
    })
  })
})

describe("a hostile template ends at a limit", () => {
  // Over a list that is there: a range counts as memory, and on a fast machine its limit comes first.
  const loop = `{% assign a = "${"x ".repeat(100)}" | split: " " %}${"{% for i in a %}".repeat(5)}${"{% endfor %}".repeat(5)}`
  const doubled = (times: number) =>
    `{% capture a %}xxxxxxxxxx{% endcapture %}{% for i in (1..${times}) %}{% capture a %}{{a}}{{a}}{% endcapture %}{% endfor %}`
  const ifs = (depth: number) => `${"{% if id %}".repeat(depth)}x${"{% endif %}".repeat(depth)}`

  test("of time", async () => {
    expect(await faultOf(loop)).toMatchObject({
      message: "The template does too much: template render limit exceeded.",
    })
  })

  test("of elements, and of characters that filters make", async () => {
    const much = { message: "The template does too much: memory alloc limit exceeded.", line: 1 }
    expect(await faultOf("{% for i in (1..100000000) %}x{% endfor %}")).toMatchObject(much)
    const twice = "{% assign a = 'xxxxxxxxxx' %}{% for i in (1..60) %}{% assign a = a | append: a %}{% endfor %}"
    expect(await faultOf(twice)).toMatchObject(much)
    expect(await faultOf("{{ 'now' | date: '%999999999Y' }}")).toMatchObject(much)
  })

  test("of what it makes", async () => {
    const kilobytes = (count: number) => `{% for i in (1..${count}) %}${"x".repeat(1024)}{% endfor %}`
    expect(await render(kilobytes(256))).toHaveLength(262_144)
    const more = "The template makes more than 262144 characters."
    expect(await faultOf(`${kilobytes(256)}x`)).toEqual({ message: more })
    expect(await faultOf(`${doubled(20)}{{ a }}`)).toEqual({ message: more })
  })

  test("of memory, which capture takes unseen by the engine; the child ends, and this process goes on", async () => {
    const before = process.memoryUsage.rss()
    const fault = await faultOf(`${doubled(25)}{{ a | upcase | downcase | url_encode | size }}`)
    expect(fault).toMatchObject({ message: expect.stringMatching(/too much|longer than/) })
    expect(process.memoryUsage.rss() - before).toBeLessThan(100 * 1024 * 1024)
    expect(await render("{{ facility.name }}")).toBe("Riverside")
  }, 20_000)

  test("of depth", async () => {
    expect(await render(ifs(20))).toBe("x")
    expect(await faultOf(ifs(21))).toEqual({
      message: "More than 20 blocks are inside each other.",
      line: 1,
      column: 20 * "{% if id %}".length + 1,
    })
    expect(await faultOf(`{% liquid\n${"if id\n".repeat(3000)}%}`)).toMatchObject({ message: expect.any(String) })
  })

  test("and this process spends hardly any processor time on it", async () => {
    const before = process.threadCpuUsage()
    await faultOf(loop)
    const { user, system } = process.threadCpuUsage()
    expect((user + system - before.user - before.system) / 1_000).toBeLessThan(200)
  })
})
