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
const inside = imports.filter(({ to }) => to.startsWith('src/'))

/** The floors from the ground up; each uses itself and what stands below it. ARCHITECTURE.md says what each is for. */
const floors = [
  'base',
  'config',
  'ssh',
  'pds',
  'store',
  'host',
  'plan',
  'health',
  'moderation',
  'runner',
  'commands',
  'cli',
] as const

/** What a floor does not use, though it stands below. */
const apart: Readonly<Record<string, readonly string[]>> = {
  ssh: ['config'],
  pds: ['config', 'ssh'],
  store: ['ssh', 'pds'],
  host: ['pds', 'store'],
  commands: ['ssh'],
}

const floorOf = (file: string): string => (file === 'src/cli.ts' ? 'cli' : (file.split('/')[1] ?? ''))
const roomOf = (file: string): string => relative('src', dirname(file))

test('arrows point down only', () => {
  const height = (file: string): number => floors.indexOf(floorOf(file) as (typeof floors)[number])
  const wrong = inside.filter(
    ({ from, to }) =>
      height(from) < height(to) || height(to) < 0 || apart[floorOf(from)]?.includes(floorOf(to)),
  )
  expect(wrong).toEqual([])
})

test('no file and no room uses itself by way of others', () => {
  expect(circles(inside.map(({ from, to }) => [from, to]))).toEqual([])
  // The table of all commands is above the rooms of the nouns, which use what several of them share beside it.
  const rooms = inside
    .filter(({ from }) => from !== 'src/commands/index.ts')
    .map(({ from, to }) => [roomOf(from), roomOf(to)] as const)
    .filter(([from, to]) => from !== to)
  expect(circles(rooms)).toEqual([])
})

test('a room has at most fifteen files, and a file at most 250 lines', () => {
  const sizes = Map.groupBy(files, roomOf)
  expect([...sizes].filter(([, { length }]) => length > 15).map(([room]) => room)).toEqual([])
  const long = files.filter((file) => readFileSync(join(root, file), 'utf8').split('\n').length > 251)
  expect(long).toEqual([])
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
    'src/ssh/connect/node-ssh.ts',
    'src/ssh/connect/local.ts',
    'src/ssh/openssh/open.ts',
    'src/ssh/http-tunnel.ts',
    'src/pds/xrpc/atproto-client.ts',
  ]
  for (const adapter of adapters) expect(files).toContain(adapter)
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

/** The groups that use each other in a circle, by Tarjan's algorithm. */
function circles(arrows: readonly (readonly [from: string, to: string])[]): string[][] {
  const next = Map.groupBy(arrows, ([from]) => from)
  const found: string[][] = []
  const order = new Map<string, number>()
  const lowest = new Map<string, number>()
  const stack: string[] = []
  const visit = (node: string): void => {
    order.set(node, order.size)
    lowest.set(node, order.size - 1)
    stack.push(node)
    for (const [, to] of next.get(node) ?? []) {
      if (!order.has(to)) visit(to)
      if (stack.includes(to)) lowest.set(node, Math.min(lowest.get(node) ?? 0, lowest.get(to) ?? 0))
    }
    if (lowest.get(node) !== order.get(node)) return
    const group = stack.splice(stack.indexOf(node))
    if (group.length > 1) found.push(group.sort())
  }
  for (const node of next.keys()) if (!order.has(node)) visit(node)
  return found
}
