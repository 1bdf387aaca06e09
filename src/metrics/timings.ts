/**
 * A histogram for what ends thousands of times a second, printed as prom-client prints its own. Its own writes its labels
 * and its bucket out as text for each value: 1.2 µs a run of a handler, five runs an event; here a value takes 0.1.
 */
import type { MetricObjectWithValues, MetricValueWithName } from "prom-client"

export interface TimingsOptions<Label extends string> {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly [Label, ...Label[]]
  /** Upper bounds, ascending, seconds. */
  readonly buckets: readonly number[]
}

interface Series {
  readonly labels: Record<string, string>
  /** Of each bucket alone; what is above all of them is in `count` only. */
  readonly counts: Float64Array
  count: number
  sum: number
}

/** Of a prom-client metric it has what a registry asks of one. */
export class Timings<Label extends string> {
  readonly name: string
  readonly #options: TimingsOptions<Label>
  readonly #series = new Map<string, Series>()

  constructor(options: TimingsOptions<Label>) {
    this.name = options.name
    this.#options = options
  }

  /** @param labels in the order of `labelNames`. */
  observe(seconds: number, ...labels: readonly string[]): void {
    const key = labels.length === 1 ? (labels[0] ?? "") : labels.join("\n")
    const series = this.#series.get(key) ?? this.#begin(key, labels)
    series.count++
    series.sum += seconds
    const { buckets } = this.#options
    for (let nth = 0; nth < buckets.length; nth++) {
      if (seconds > (buckets[nth] as number)) continue
      ;(series.counts[nth] as number)++
      return
    }
  }

  /** How many values each combination of labels has had. */
  counts(): { readonly labels: Record<Label, string>; readonly count: number }[] {
    return [...this.#series.values()] as { labels: Record<Label, string>; count: number }[]
  }

  async get(): Promise<MetricObjectWithValues<MetricValueWithName<string>>> {
    const { name, help } = this.#options
    const values = [...this.#series.values()].flatMap((series) => this.#valuesOf(series))
    return { name, help, type: "histogram", aggregator: "sum", values } as never
  }

  #begin(key: string, values: readonly string[]): Series {
    const { labelNames, buckets } = this.#options
    const labels = Object.fromEntries(labelNames.map((name, nth) => [name, values[nth] ?? ""]))
    const series = { labels, counts: new Float64Array(buckets.length), count: 0, sum: 0 }
    this.#series.set(key, series)
    return series
  }

  #valuesOf({ labels, counts, count, sum }: Series) {
    const { name, buckets } = this.#options
    const bucket = (le: number | "+Inf", value: number) => ({
      metricName: `${name}_bucket`,
      labels: { le, ...labels },
      value,
    })
    return [
      ...buckets.map((bound, nth) => bucket(bound, counts.slice(0, nth + 1).reduce(add))),
      bucket("+Inf", count),
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: count },
    ]
  }
}

const add = (one: number, more: number) => one + more
