/** A sheet over the page: at the bottom of a phone, in the middle of a larger screen. The focus stays inside. */
import type { ReactNode } from "react"
import { Button, Dialog, Heading, Modal, ModalOverlay } from "react-aria-components"
import { useClub } from "./club.ts"

export interface SheetProps {
  readonly title: string
  readonly onClose: () => void
  readonly children: ReactNode
}

export function Sheet({ title, onClose, children }: SheetProps) {
  const { words } = useClub()
  return (
    <ModalOverlay className="overlay" isOpen isDismissable onOpenChange={(isOpen) => !isOpen && onClose()}>
      <Modal className="sheet">
        <Dialog className="dialog">
          <div className="sheethead">
            <Heading slot="title">{title}</Heading>
            <Button className="close" aria-label={words.close} onPress={onClose}>
              ✕
            </Button>
          </div>
          {children}
        </Dialog>
      </Modal>
    </ModalOverlay>
  )
}

/** Why something did not work. Spoken at once. */
export const FaultNote = ({ says }: { readonly says: string | undefined }) => (
  <div role="alert" className={says === undefined ? "unseen" : "fault"}>
    {says}
  </div>
)
