import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { crc32 } from 'node:zlib'
import { baseDir } from './base-dir.ts'

/** What V8 has compiled of each part of the program, by the part's name. */
export type Code = ReadonlyMap<string, Buffer>

/** How long the code of another build is kept, in milliseconds. */
const patience = 30 * 24 * 60 * 60 * 1000

/** Where the code of one build is kept for this Node, or nowhere where NODE_DISABLE_COMPILE_CACHE says so. */
export function codeDir(env: NodeJS.ProcessEnv, build: string): string | undefined {
  if (env.NODE_DISABLE_COMPILE_CACHE) return undefined
  try {
    return join(baseDir(env, 'cache'), 'kimbia-ops', build, `${process.version}-${process.arch}`)
  } catch {
    // Who has no home keeps nothing.
    return undefined
  }
}

/**
 * Reads what `writeCode` wrote; undefined where it is not there, not whole, or may be somebody else's: V8 believes the
 * code that it is given.
 */
export function readCode(file: string): Code | undefined {
  try {
    const bytes = readOwn(file)
    return bytes && unpack(bytes)
  } catch {
    return undefined
  }
}

function readOwn(file: string): Buffer | undefined {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    return isOwn(fstatSync(fd)) && isOwn(statSync(dirname(file))) ? readFileSync(fd) : undefined
  } finally {
    closeSync(fd)
  }
}

/** Whether nobody else can write there. */
const isOwn = ({ uid, mode }: Stats): boolean => uid === (process.geteuid?.() ?? uid) && (mode & 0o022) === 0

/** The CRC-32 of all that follows, the length of a list of names and lengths, that list as JSON, and the code. */
function unpack(bytes: Buffer): Code | undefined {
  if (bytes.length < 8 || crc32(bytes.subarray(4)) !== bytes.readUInt32LE(0)) return undefined
  let at = 8 + bytes.readUInt32LE(4)
  const list: [name: string, length: number][] = JSON.parse(bytes.toString('utf8', 8, at))
  return new Map(
    list.map(([name, length]) => {
      at += length
      return [name, bytes.subarray(at - length, at)]
    }),
  )
}

function pack(code: Code): Buffer {
  const list = Buffer.from(JSON.stringify([...code].map(([name, { length }]) => [name, length])))
  const head = Buffer.alloc(8)
  head.writeUInt32LE(list.length, 4)
  const bytes = Buffer.concat([head, list, ...code.values()])
  bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0)
  return bytes
}

/** Writes it beside and renames it. Whatever cannot be told or written is not missed: it is compiled again. */
export function writeCode(file: string, code: () => Code): void {
  const fresh = `${file}.${process.pid}`
  try {
    makeDir(dirname(file), 4)
    const fd = openSync(fresh, 'wx', 0o600)
    try {
      writeFileSync(fd, pack(code()))
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(fresh, file)
    dropStale(dirname(dirname(file)))
  } catch {
    clearAway(fresh)
  }
}

/**
 * Makes a directory and so many above it at most: a home that is not there is not made, and nothing in that of somebody
 * else, as sudo may leave it.
 */
function makeDir(dir: string, levels: number): void {
  if (levels === 0 || existsSync(dir)) return
  makeDir(dirname(dir), levels - 1)
  if (!isOwn(statSync(dirname(dir)))) throw new Error(`${dirname(dir)} is somebody else's`)
  mkdirSync(dir, 0o700)
}

function clearAway(file: string): void {
  try {
    rmSync(file, { force: true })
  } catch {
    // It is where nothing can be changed.
  }
}

/** Removes what builds that are long gone have left beside this one. */
function dropStale(own: string): void {
  for (const { name } of readdirSync(dirname(own), { withFileTypes: true }).filter((it) =>
    it.isDirectory(),
  )) {
    const other = join(dirname(own), name)
    if (name !== basename(own) && statSync(other).mtimeMs < Date.now() - patience)
      rmSync(other, { recursive: true, force: true })
  }
}
