/**
 * The words of voice notes that need no service, because their files had them.
 * Writes: voice_note_words.
 */
import type { Tx } from "#base/database/transaction.ts"

/** A repeated run finds the row of the first. */
export async function keepNoteWords(tx: Tx, facilityId: string, mediaId: string, words: string): Promise<void> {
  await tx`
    insert into slotbase.voice_note_words (media_id, facility_id, words)
    values (${mediaId}, ${facilityId}, ${words})
    on conflict do nothing`
}
