/**
 * Encrypts a push message for one browser (RFC 8291, with the content coding aes128gcm of RFC 8188), by node:crypto.
 * The libraries for this open sockets of their own, and encrypt more than push services take.
 */
import { createCipheriv, createECDH, hkdfSync, randomBytes } from "node:crypto"

/** The keys of a browser's subscription. */
export interface BrowserKeys {
  /** A point of P-256, uncompressed: 65 bytes. */
  readonly p256dh: Uint8Array
  /** 16 bytes. */
  readonly auth: Uint8Array
}

/**
 * Push services take bodies of 4,096 bytes (RFC 8291, section 4). The head has 86, the end of the record and the tag
 * 17.
 */
export const maxPlainBytes = 3_993

/** For tests: the random values of the standard's example. */
export interface Fixed {
  readonly privateKey: Uint8Array
  readonly salt: Uint8Array
}

/** The body of the request. Throws RangeError for more than `maxPlainBytes`. */
export function encryptPush(plain: Uint8Array, { p256dh, auth }: BrowserKeys, fixed?: Fixed): Uint8Array {
  if (plain.length > maxPlainBytes)
    throw new RangeError(`A push message has at most ${maxPlainBytes} bytes, and this one has ${plain.length}.`)
  const own = createECDH(curve)
  if (fixed) own.setPrivateKey(fixed.privateKey)
  else own.generateKeys()
  const [publicKey, salt] = [own.getPublicKey(), fixed?.salt ?? randomBytes(16)]
  const shared = own.computeSecret(p256dh)
  const material = derive(shared, auth, concat(text("WebPush: info\0"), p256dh, publicKey), 32)
  const key = derive(material, salt, text("Content-Encoding: aes128gcm\0"), 16)
  const nonce = derive(material, salt, text("Content-Encoding: nonce\0"), 12)
  const cipher = createCipheriv("aes-128-gcm", key, nonce)
  const sealed = [cipher.update(plain), cipher.update(endOfLastRecord), cipher.final(), cipher.getAuthTag()]
  const recordSize = Buffer.alloc(4)
  recordSize.writeUInt32BE(recordBytes)
  return concat(salt, recordSize, Buffer.of(publicKey.length), publicKey, ...sealed)
}

/** Whether the bytes are an uncompressed point that lies on P-256 (y² = x³ - 3x + b). */
export function isPoint(bytes: Uint8Array): boolean {
  if (bytes.length !== 65 || bytes[0] !== 4) return false
  const [x, y] = [numberOf(bytes.subarray(1, 33)), numberOf(bytes.subarray(33))]
  return x < prime && y < prime && (y * y - (x * x * x - 3n * x + b)) % prime === 0n
}

export const curve = "prime256v1"
const prime = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn
const b = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn

/** One record holds the whole message. */
const recordBytes = 4_096
const endOfLastRecord = Buffer.of(2)

const derive = (secret: Uint8Array, salt: Uint8Array, info: Uint8Array, bytes: number): Buffer =>
  Buffer.from(hkdfSync("sha256", secret, salt, info, bytes))

const text = (value: string) => Buffer.from(value, "latin1")
const concat = (...parts: readonly Uint8Array[]) => Buffer.concat(parts)
const numberOf = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString("hex")}`)
