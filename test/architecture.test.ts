import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const files = globSync('src/**/*.ts', { cwd: root }).sort()

interface Import {
  readonly from: string
  readonly to: string
  readonly typeOnly: boolean
}

const imports: Import[] = files.flatMap((from) => {
  const text = readFileSync(join(root, from), 'utf8')
  const statics = [...text.matchAll(/^(?:import|export) (type )?[^'"]*?from '([^']+)'/gm)].map(
    ([, type, to]) => ({ type, to }),
  )
  const dynamics = [...text.matchAll(/import\('([^']+)'\)/g)].map(([, to]) => ({ type: undefined, to }))
  return [...statics, ...dynamics].map(({ type, to = '' }) => ({
    from,
    to: to.startsWith('.') ? relative(root, join(root, dirname(from), to)) : to,
    typeOnly: type !== undefined,
  }))
})

/** Each floor uses only itself and the floors below it; `pds` and `store` stand beside `ssh`. */
const floors: Record<string, readonly string[]> = {
  ground: ['ground'],
  ssh: ['ssh', 'ground'],
  pds: ['pds', 'ground'],
  store: ['store', 'ground'],
  host: ['host', 'ssh', 'ground'],
  runner: ['runner', 'host', 'pds', 'ssh', 'store', 'ground'],
  commands: ['commands', 'runner', 'host', 'pds', 'ssh', 'store', 'ground'],
  cli: ['cli', 'commands', 'runner', 'host', 'pds', 'ssh', 'store', 'ground'],
}

const floorOf = (file: string): string =>
  file === 'src/cli.ts' ? 'cli' : (/^src\/(\w+)\//.exec(file)?.[1] ?? 'ground')

test('arrows point down only', () => {
  const up = imports.filter(
    ({ from, to }) => to.startsWith('src/') && !floors[floorOf(from)]?.includes(floorOf(to)),
  )
  expect(up).toEqual([])
})

test('each third-party package is imported by one file', () => {
  const byPackage = new Map<string, Set<string>>()
  for (const { from, to, typeOnly } of imports) {
    if (typeOnly || to.startsWith('node:') || to.startsWith('src/') || to === 'package.json') continue
    byPackage.set(to, (byPackage.get(to) ?? new Set()).add(from))
  }
  expect(byPackage.size).toBeGreaterThan(5)
  const shared = [...byPackage]
    .filter(([, importers]) => importers.size > 1)
    .map(([name, importers]) => [name, ...importers])
  expect(shared).toEqual([])
})

test('adapters are imported by cli.ts alone', () => {
  const adapters = [
    'src/ssh/node-ssh.ts',
    'src/ssh/local.ts',
    'src/ssh/tunnel.ts',
    'src/pds/atproto.ts',
    'src/runner/program.ts',
  ]
  const others = imports.filter(
    ({ from, to, typeOnly }) => adapters.includes(to) && from !== 'src/cli.ts' && !typeOnly,
  )
  expect(others).toEqual([])
})

test('only the terminal touches process streams, and only cli.ts ends the process', () => {
  const offenders = files.filter((file) => {
    const text = readFileSync(join(root, file), 'utf8').replace(/\/\*\*[\s\S]*?\*\//g, '')
    return file !== 'src/cli.ts' && /process\.(exit\(|stdout|stderr|stdin)|console\./.test(text)
  })
  expect(offenders).toEqual([])
})
