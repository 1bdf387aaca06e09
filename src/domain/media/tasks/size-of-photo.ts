/** A task of a child process: the size of a photo, upright, and whether it moves, from its header. */
import sharp from "sharp"

export default async ({ path }: { readonly path: string }) => {
  const { autoOrient, pages = 1 } = await sharp(path, { limitInputPixels: false }).metadata()
  return { width: autoOrient.width, height: autoOrient.height, isMoving: pages > 1 }
}
