/**
 * Arrays in PostgreSQL's text form, for statements that take hundreds of rows as columns:
 * `${plainArray(ids)}::text::uuid[]`.
 * The driver needs five times as long for the same text: it asks each element for its type and its quotes.
 */

/** For values that need no quotes: numbers and ids. */
export const plainArray = (values: readonly (number | string)[]): string => `{${values.join()}}`

export const textArray = (values: readonly (string | undefined)[]): string => `{${values.map(quoted).join()}}`

const quoted = (text: string | undefined) => (text === undefined ? "NULL" : `"${text.replace(/["\\]/g, "\\$&")}"`)
