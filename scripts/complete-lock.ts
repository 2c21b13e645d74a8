/**
 * `node scripts/complete-lock.ts`: adds to package-lock.json the optional packages of other platforms that npm left
 * out because a registry did not have them at hand; without their entries `npm ci` refuses the lock file.
 */
import { readFileSync, writeFileSync } from 'node:fs'

interface Entry {
  version?: string
  cpu?: string[]
  os?: string[]
  libc?: string[]
  dev?: boolean
  optional?: boolean
  optionalDependencies?: Record<string, string>
}

const systems = [
  'android',
  'darwin',
  'freebsd',
  'linux',
  'openharmony',
  'win32',
  'aix',
  'netbsd',
  'openbsd',
  'sunos',
]
const processors = [
  'arm64',
  'x64',
  'ia32',
  'arm',
  'ppc64',
  's390x',
  'riscv64',
  'loong64',
  'mips64el',
  'wasm32',
]

const file = new URL('../package-lock.json', import.meta.url)
const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, Entry> }

for (const [path, { dev, optionalDependencies = {} }] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const at = freePlace(path, name, version)
    if (at !== undefined && /^\d+\.\d+\.\d+/.test(version)) lock.packages[at] = entryOf(name, version, dev)
  }
}
const byName = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en'))
writeFileSync(file, `${JSON.stringify({ ...lock, packages: Object.fromEntries(byName) }, null, 2)}\n`)

/** The highest folder where the package would go without meeting another version; undefined when it is there. */
function freePlace(path: string, name: string, version: string): string | undefined {
  const parents = [...path.matchAll(/(?:^|\/)node_modules\//g)].map(({ index }) => path.slice(0, index))
  const places = [path, ...parents.reverse(), ''].map(
    (parent) => `${parent === '' ? '' : `${parent}/`}node_modules/${name}`,
  )
  const found = places.findIndex((place) => lock.packages[place] !== undefined)
  if (found === -1) return places.at(-1)
  return lock.packages[places[found] as string]?.version === version ? undefined : places[found - 1]
}

/** What can be told of a package by its name: the system, the processor and the C library it is for. */
function entryOf(name: string, version: string, dev: boolean | undefined): Entry {
  const words = name.split(/[-/]/)
  const cpu = processors.filter((word) => words.includes(word)).slice(0, 1)
  const os = systems.filter((word) => words.includes(word)).slice(0, 1)
  return {
    version,
    ...(cpu.length > 0 && { cpu }),
    ...(dev === true && { dev }),
    ...(words.includes('musl') && { libc: ['musl'] }),
    ...(words.includes('gnu') && { libc: ['glibc'] }),
    optional: true,
    ...(os.length > 0 && { os }),
  }
}
