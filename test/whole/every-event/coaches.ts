// The rows of coaches: blocks requested and decided, sessions held, and feedback with its files and progress.

import { expect } from "bun:test"
import { aForm } from "#test/harness/club/feedback-club.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { mp4, wav } from "#test/harness/club/media-files.ts"
import { lesson } from "./bookings.ts"
import type { Club } from "./club.ts"
import type { Row } from "./row.ts"

const hour = 18
const aBlock = (club: Club) => ({
  resourceId: club.court,
  ...atHour(hour),
  blockType: "coaching",
  reason: "Junior squad",
})
const asked = (club: Club) => club.call(club.coach, "POST", "/coach-blocks", aBlock(club))

/** A draft by the coach on a lesson with the player; returns both ids. */
async function drafted(club: Club, more: object = {}) {
  const { id: sessionId } = await lesson(club)
  const words = { sessionId, studentId: club.player.id, text: "Turn earlier.", ...more }
  const { id } = await club.call(club.coach, "POST", "/feedback", words)
  return { id: id as string, sessionId }
}

export const coachRows: readonly Row[] = [
  {
    type: "coach.block.requested",
    operation: "a coach asks for a court",
    records: ["coach.block.requested"],
    async perform(club) {
      const block = await club.act(club.coach, "POST", "/coach-blocks", aBlock(club))
      return {
        blockId: block.id,
        coachId: club.coach.id,
        coachName: "Mia Keller",
        facilityId: club.id,
        resourceName: "Court 1",
        ...aBlock(club),
        requiresApproval: true,
      }
    },
  },
  {
    type: "coach.block.approved",
    operation: "staff approve a coach's block",
    records: ["coach.block.approved"],
    async perform(club) {
      const { id: blockId } = await asked(club)
      const { approvedAt } = await club.act(club.staff, "POST", `/coach-blocks/${blockId}/approve`, {})
      return { blockId, coachId: club.coach.id, facilityId: club.id, approvedBy: club.staff.id, approvedAt }
    },
  },
  {
    type: "coach.block.rejected",
    operation: "staff reject a coach's block",
    records: ["coach.block.rejected"],
    async perform(club) {
      const { id: blockId } = await asked(club)
      const why = { rejectionReason: "League day." }
      const { rejectedAt } = await club.act(club.staff, "POST", `/coach-blocks/${blockId}/reject`, why)
      return { blockId, coachId: club.coach.id, facilityId: club.id, rejectedBy: club.staff.id, rejectedAt, ...why }
    },
  },
  {
    type: "coach.session.completed",
    operation: "a coach completes a lesson, and with it its booking",
    records: ["coach.session.completed", "booking.completed"],
    async perform(club) {
      const { id, bookingId } = await lesson(club)
      const came = { attendedStudents: [club.player.id] }
      await club.at(hour, 55, () => club.act(club.coach, "POST", `/coach-sessions/${id}/complete`, came))
      return {
        sessionId: id,
        bookingId,
        coachId: club.coach.id,
        coachName: "Mia Keller",
        facilityId: club.id,
        sessionType: "private",
        students: [{ userId: club.player.id, name: "Mia Keller", parentIds: [club.parent.id] }],
        ...atHour(hour),
        ...came,
      }
    },
  },
  {
    type: "feedback.created",
    operation: "a coach speaks feedback on a lesson, with a video",
    records: ["feedback.created", "media.uploaded", "media.uploaded", "media.uploaded > media.processed"],
    async perform(club) {
      const { id: sessionId } = await lesson(club)
      const form = aForm(wav(1), { part: "voiceNote", name: "note.wav", type: "audio/wav" })
      form.append("sessionId", sessionId)
      form.append("studentId", club.player.id)
      form.append("file", new File([Buffer.from(mp4(2))], "drill.mp4"))
      const { id } = await club.act(club.coach, "POST", "/feedback", form)
      const whose = { coachId: club.coach.id, facilityId: club.id }
      return { feedbackId: id, sessionId, ...whose, hasVoiceNote: true, hasMedia: true }
    },
  },
  {
    type: "feedback.enhanced",
    operation: "an agent suggests better words for a coach's draft",
    records: ["feedback.created", "feedback.created > feedback.enhanced"],
    async perform(club) {
      const { id: sessionId } = await lesson(club)
      const body = { sessionId, studentId: club.player.id, text: "watch the backhand" }
      const { id } = await club.act(club.coach, "POST", "/feedback", body)
      return {
        feedbackId: id,
        sessionId,
        enhancementType: "all",
        skillsExtracted: ["Backhand"],
        processingTime: expect.any(Number),
      }
    },
  },
  {
    type: "feedback.published",
    operation: "a coach publishes feedback",
    records: ["feedback.published"],
    async perform(club) {
      const { id, sessionId } = await drafted(club, { skillsWorked: ["Backhand", "Footwork"] })
      await club.call(club.coach, "POST", `/feedback/${id}/media`, aForm(mp4(2), { name: "drill.mp4" }))
      await club.act(club.coach, "POST", `/feedback/${id}/publish`, {})
      return {
        feedbackId: id,
        sessionId,
        coachId: club.coach.id,
        coachName: "Mia Keller",
        facilityId: club.id,
        studentId: club.player.id,
        studentName: "Mia Keller",
        parentIds: [club.parent.id],
        hasVideo: true,
        hasPhotos: false,
        skillsWorked: ["Backhand", "Footwork"],
      }
    },
  },
  {
    type: "media.uploaded",
    operation: "a coach adds a video to feedback",
    records: ["media.uploaded"],
    async perform(club) {
      const { id } = await drafted(club)
      const video = mp4(42.5)
      const media = await club.act(club.coach, "POST", `/feedback/${id}/media`, aForm(video, { name: "drill.mp4" }))
      return {
        mediaId: media.id,
        feedbackId: id,
        mediaType: "video",
        fileName: "drill.mp4",
        fileSizeBytes: video.byteLength,
        durationSeconds: 42.5,
        uploadedBy: club.coach.id,
      }
    },
  },
  {
    type: "progress.updated",
    operation: "a coach publishes feedback that assesses a skill anew",
    records: ["feedback.published", "feedback.published > progress.updated"],
    async perform(club) {
      const skillId = "tennis.backhand"
      await club.call(club.coach, "POST", `/players/${club.player.id}/progress`, { skillId, newLevel: 4 })
      const { id } = await drafted(club, { assessments: [{ skillId, level: 5 }] })
      await club.act(club.coach, "POST", `/feedback/${id}/publish`, {})
      return {
        playerId: club.player.id,
        skillId,
        skillName: "Backhand",
        sport: "tennis",
        previousLevel: 4,
        newLevel: 5,
        assessedBy: club.coach.id,
        improvementPercent: 25,
      }
    },
  },
]
