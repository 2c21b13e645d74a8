import { spawnSync } from 'node:child_process'
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { type InputOptions, type OutputChunk, type Plugin, rolldown } from 'rolldown'
import { remoteScript } from '../src/host/change/remote/load.ts'

/** Packages that must never load before a command asks for them. */
const heavy = ['@atproto/', '@atcute/', 'node-ssh', 'ssh2', '@inquirer/', 'execa', 'yaml', 'zod']
const root = new URL('..', import.meta.url).pathname

const common: InputOptions = { platform: 'node', cwd: root, external: [...builtinModules, /^node:/] }
const bundle = await rolldown({
  ...common,
  input: { cli: join(root, 'src/cli.ts') },
  plugins: [withoutNativeAddons(), lexiconsAsData(), remoteScriptsAsText()],
  transform: {
    define: { 'import.meta.vitest': 'undefined', COMMIT: JSON.stringify(commit()) ?? 'undefined' },
  },
  treeshake: {
    moduleSideEffects: (id) => !/\/node_modules\/(@atproto|@atcute|zod)\//.test(id),
  },
})
// Built beside and renamed, so that a program running from dist never meets half a build.
const [dist, fresh, stale] = ['dist', `dist.${process.pid}.new`, `dist.${process.pid}.old`].map((name) =>
  join(root, name),
) as [string, string, string]
const { output } = await bundle.write({
  dir: fresh,
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name]-[hash].js',
  // One file for what the entry shares with its chunks: each file more is half a millisecond more at every start.
  codeSplitting: { groups: [{ name: 'shared', test: /\/src\//, minShareCount: 2, tags: ['$initial'] }] },
  minify: false,
  comments: false,
})
await bundle.close()
const chunks = output.filter((part): part is OutputChunk => part.type === 'chunk')
proveLightStart(chunks)
await writeFile(join(fresh, 'THIRD-PARTY-LICENSES.txt'), await licences(chunks))
await rename(dist, stale).catch(() => {})
await rename(fresh, dist)
await rm(stale, { recursive: true, force: true })
const files = (await readdir(dist, { recursive: true, withFileTypes: true })).filter((entry) =>
  entry.isFile(),
)
const sizes = await Promise.all(files.map(({ parentPath, name }) => stat(join(parentPath, name))))
console.error(
  `built dist/: ${sizes.length} files, ${Math.round(sizes.reduce((sum, { size }) => sum + size, 0) / 1024)} kB`,
)

/** The commit that this is built from, for `--version --verbose`; undefined where git does not tell. */
function commit(): string | undefined {
  const git = (...words: string[]) => spawnSync('git', words, { cwd: root, encoding: 'utf8' })
  const [within, head] = git('rev-parse', '--show-prefix', 'HEAD').stdout?.split('\n') ?? []
  // A folder within another project's repository has none of its own.
  if (within !== '' || !head) return undefined
  return `${head}${git('status', '--porcelain', '--untracked-files=no').stdout ? ', with changes' : ''}`
}

/** ssh2 tries two optional native addons inside try/catch and does without them; the package ships none. */
function withoutNativeAddons(): Plugin {
  const absent = '\0absent-native-addon'
  return {
    name: 'without-native-addons',
    resolveId: (id) => (id.endsWith('.node') || id === 'cpu-features' ? absent : null),
    load: (id) => (id === absent ? "throw new Error('there are no native addons in this bundle')" : null),
  }
}

/** Of @atproto/api only the lexicons of a PDS are used: as JSON they take a tenth of the time to load that its code takes. */
function lexiconsAsData(): Plugin {
  return {
    name: 'lexicons-as-data',
    async load(id) {
      if (!/\/node_modules\/@atproto\/api\/dist\/index\.m?js$/.test(id)) return null
      const { schemas } = await import('@atproto/api')
      const json = JSON.stringify(schemas.filter((it) => it.id.startsWith('com.atproto.')))
      return `export const schemas = JSON.parse(${JSON.stringify(json)})`
    },
  }
}

/** Puts the scripts that run on the host into the bundle: the package ships no .sh files. */
function remoteScriptsAsText(): Plugin {
  return {
    name: 'remote-scripts-as-text',
    transform(code, id) {
      if (!/\/src\/.*\.ts$/.test(id) || id.endsWith('/remote/load.ts')) return null
      const inlined = code.replace(/\bremoteScript\(\s*'([\w-]+\.sh)'\s*\)/g, (_, name) =>
        JSON.stringify(remoteScript(name)),
      )
      if (/\bremoteScript\(/.test(inlined))
        throw new Error(`${id} names a remote script by more than its name`)
      return inlined
    },
  }
}

/** Fails the build when a heavy package is statically reachable from the entry. */
function proveLightStart(all: readonly OutputChunk[]): void {
  const byName = new Map(all.map((chunk) => [chunk.fileName, chunk]))
  const reached = new Set<string>()
  const visit = (name: string): void => {
    if (reached.has(name)) return
    reached.add(name)
    for (const next of byName.get(name)?.imports ?? []) visit(next)
  }
  for (const { isEntry, fileName } of all) if (isEntry) visit(fileName)
  const modules = [...reached].flatMap((name) => byName.get(name)?.moduleIds ?? [])
  const found = modules.filter((id) => heavy.some((name) => id.includes(`/node_modules/${name}`)))
  if (found.length > 0) throw new Error(`heavy packages are loaded at start:\n${found.join('\n')}`)
}

/** The licences of all packages that went into the bundle. */
async function licences(all: readonly OutputChunk[]): Promise<string> {
  const folders = new Set<string>()
  for (const id of all.flatMap(({ moduleIds }) => moduleIds)) {
    const [, folder] = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id) ?? []
    if (folder) folders.add(folder)
  }
  const texts = await Promise.all([...folders].sort().map(licenceOf))
  return texts.join(`\n${'-'.repeat(80)}\n\n`)
}

async function licenceOf(folder: string): Promise<string> {
  const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry))
  const text = file ? await readFile(join(folder, file), 'utf8') : ''
  return `${name} ${version}${license ? ` (${license})` : ''}\n\n${text.trim()}\n`
}
