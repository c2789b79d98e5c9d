// A zip of stored files with a fixed date: the same content, the same bytes, whatever zlib is at hand.

const table = Uint32Array.from({ length: 256 }, (_, n) => {
  let value = n
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1
  return value >>> 0
})

function crc32(bytes) {
  let value = 0xffffffff
  for (const byte of bytes) value = table[(value ^ byte) & 0xff] ^ (value >>> 8)
  return (value ^ 0xffffffff) >>> 0
}

const u16 = (n) => Buffer.from([n & 0xff, n >>> 8])
const u32 = (n) => Buffer.from([n & 0xff, (n >>> 8) & 0xff, (n >>> 16) & 0xff, n >>> 24])
const newYear1980 = Buffer.concat([u16(0), u16(0x21)])

/**
 * @param {[name: string, text: string][]} files
 * @returns {Buffer}
 */
export function zip(files) {
  const bodies = []
  const entries = []
  let offset = 0
  for (const [name, text] of files) {
    const path = Buffer.from(name)
    const body = Buffer.from(text)
    // Version 2.0, UTF-8 names, stored.
    const common = [
      u16(20),
      u16(0x0800),
      u16(0),
      newYear1980,
      u32(crc32(body)),
      u32(body.length),
      u32(body.length),
      u16(path.length),
      u16(0),
    ]
    const local = Buffer.concat([u32(0x04034b50), ...common, path, body])
    bodies.push(local)
    entries.push(
      Buffer.concat([
        u32(0x02014b50),
        u16(20),
        ...common,
        u16(0),
        u16(0),
        u16(0),
        u32(0),
        u32(offset),
        path,
      ]),
    )
    offset += local.length
  }
  const directory = Buffer.concat(entries)
  const count = u16(files.length)
  const last = [u32(0x06054b50), u16(0), u16(0), count, count, u32(directory.length), u32(offset)]
  return Buffer.concat([...bodies, directory, ...last, u16(0)])
}
