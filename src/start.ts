import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { Script } from 'node:vm'
import { type Code, codeDir, readCode, writeCode } from './code-cache.ts'

/** What the program itself is, once loaded. */
interface Program {
  main(): Promise<number>
  /** The commands that there are, such as `signup close`. */
  readonly names: readonly string[]
}

/**
 * Starts the program that was bundled into `dist`, and resolves to its exit code. A short command spends more time on
 * compiling than on anything else; what the same command compiled the last time is taken from a cache. Node's own
 * (module.enableCompileCache) has only what is compiled before anything runs, which is little of it.
 */
export async function start(dist: string): Promise<number> {
  const entry = readdirSync(dist).find((name) => /^cli-.*\.cjs$/.test(name)) ?? 'cli.cjs'
  const dir = codeDir(process.env, basename(entry, '.cjs'))
  const args = process.argv.slice(2)
  const spellings = spellingsOf(args)
  const known =
    dir === undefined ? undefined : firstOf([...spellings, 'help'].map((name) => fileOf(dir, name)))
  const bundle = openBundle(dist, known)
  const { main, names } = bundle.load(join(dist, entry)) as Program
  process.once('exit', (code) => {
    if (dir === undefined || code !== 0 || args.some(isDryRun)) return
    const name = spellings.length === 0 ? 'help' : spellings.find((one) => names.includes(one))
    if (name === undefined) return
    const file = fileOf(dir, name)
    if (bundle.news() || file !== known?.file) writeCode(file, bundle.code)
  })
  return main()
}

/** A dry run writes nothing anywhere. */
const isDryRun = (word: string): boolean => word === '--dry-run' || /^-[a-z]*n/.test(word)

/** What the words at the beginning may name: a command of two words, or of one. */
function spellingsOf(args: readonly string[]): readonly string[] {
  const end = args.findIndex((word) => !/^[a-z][a-z-]*$/.test(word))
  const words = args.slice(0, end === -1 ? 2 : Math.min(end, 2))
  return words.map((_, i) => words.slice(0, words.length - i).join(' '))
}

const fileOf = (dir: string, name: string): string => join(dir, name.replaceAll(' ', '_'))

interface Known {
  readonly file: string
  readonly code: Code
}

function firstOf(files: readonly string[]): Known | undefined {
  for (const file of files) {
    const code = readCode(file)
    if (code) return { file, code }
  }
  return undefined
}

/** The parts of a program, each loaded when it is first asked for. */
interface Bundle {
  load(path: string): unknown
  /** Whether anything was compiled that was not known before. */
  news(): boolean
  code(): Code
}

/** Loads CommonJS files as Node does, but with the code that V8 is known to make of them. */
function openBundle(dist: string, known: Known | undefined): Bundle {
  // All that is not of the bundle is of Node.
  const foreign = createRequire(join(dist, 'start.cjs'))
  const modules = new Map<string, { exports: unknown }>()
  const scripts = new Map<string, Script>()
  let news = false
  const load = (path: string): unknown => {
    const there = modules.get(path)
    if (there) return there.exports
    const module = { exports: {} }
    modules.set(path, module)
    const cachedData = known?.code.get(basename(path))
    const source = `(function (exports, require, module, __filename, __dirname) {${readFileSync(path, 'utf8')}\n})`
    const script = new Script(source, { filename: path, ...(cachedData && { cachedData }) })
    if (!cachedData || script.cachedDataRejected) news = true
    scripts.set(basename(path), script)
    const require = (id: string) => (id.startsWith('.') ? load(join(dirname(path), id)) : foreign(id))
    script.runInThisContext()(module.exports, require, module, path, dirname(path))
    return module.exports
  }
  return {
    load,
    news: () => news,
    // What was of no use this time may be the next.
    code: () =>
      new Map([
        ...(known?.code ?? []),
        ...[...scripts].map(([name, script]) => [name, script.createCachedData()] as const),
      ]),
  }
}
