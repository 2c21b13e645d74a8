import { execFileSync, spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { findProgram, project } from '../docker/docker.ts'
import { BESIDE } from '../pds/bundle.ts'
import { rigNode } from '../process/child-lines.ts'

interface Manifest {
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
}

/** What of a package runs nothing: types, maps, sources of what is compiled, the same for browsers. */
const DEAD =
  /\.([cm]?ts|map|md|[ch]|cpp|gyp|o|a|tsbuildinfo)$|\/better-sqlite3\/(deps|src)$|\/obj(\.target)?$|\/@opentelemetry\/[^/]+\/build\/es(m|next)$/

/** Puts the files of the image into a directory: busybox, Node, the PDS with what its bundle does not hold, and the service. */
export function layOut(root: string, pds: string): void {
  for (const dir of ['bin', 'etc', 'app', 'pds', 'usr/bin', 'usr/local/bin', 'root'])
    mkdirSync(join(root, dir), { recursive: true })
  mkdirSync(join(root, 'tmp'), { mode: 0o1777 })
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n')
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\n')
  busybox(root)
  cpSync(rigNode(), join(root, 'usr/local/bin/node'))
  // The official image has dumb-init; this one is the same to its users, and comes with the engine.
  const init = findProgram('docker-init') ?? 'docker-init'
  cpSync(realpathSync(init), join(root, 'usr/bin/dumb-init'))
  for (const file of ['index.js', 'load.js'])
    cpSync(join(project, 'rig/image', file), join(root, 'app', file))
  cpSync(pds, join(root, 'app/pds.cjs'))
  writeFileSync(join(root, 'app/package.json'), '{ "name": "pds", "type": "module" }\n')
  for (const dir of packages(BESIDE)) {
    // A package of the rig's own folder is a package of the service's.
    const place = relative(project, dir).replace(/^rig\//, '')
    const filter = (path: string) => !DEAD.test(path) && !relative(dir, path).startsWith('node_modules')
    cpSync(dir, join(root, 'app', place), { recursive: true, filter })
  }
  const native = join(root, 'app/node_modules/better-sqlite3/build/Release/better_sqlite3.node')
  for (const library of libraries([rigNode(), native, init])) {
    mkdirSync(join(root, dirname(library)), { recursive: true })
    cpSync(realpathSync(library), join(root, library))
  }
}

function busybox(root: string): void {
  const binary = findProgram('busybox') ?? 'busybox'
  cpSync(binary, join(root, 'bin/busybox'))
  for (const name of execFileSync(binary, ['--list'], { encoding: 'utf8' }).split('\n'))
    if (name && name !== 'busybox') symlinkSync('busybox', join(root, 'bin', basename(name)))
}

/** The directories of packages and of all they depend on, as Node finds them. */
function packages(names: readonly string[]): Set<string> {
  const found = new Set<string>()
  const visit = (wanted: string, from: string) => {
    const dir = resolve(wanted, from)
    if (dir === undefined || found.has(dir)) return
    found.add(dir)
    const manifest = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')) as Manifest
    const { dependencies, optionalDependencies, peerDependencies } = manifest
    for (const each of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies }))
      visit(each, dir)
  }
  for (const name of names) visit(name, join(project, 'rig'))
  return found
}

function resolve(name: string, from: string): string | undefined {
  for (let dir = from; dir.startsWith(project); dir = dirname(dir)) {
    const place = join(dir, 'node_modules', name)
    if (existsSync(join(place, 'package.json'))) return place
  }
  return undefined
}

/** The shared libraries of these programs, and the loader. */
function libraries(files: string[]): Set<string> {
  // Of a static program it says so, with a failure.
  const said = spawnSync('ldd', files, { encoding: 'utf8' }).stdout
  return new Set([...said.matchAll(/^\s+(?:\S+ => )?(\/\S+) \(0x/gm)].map(([, path = '']) => path))
}
