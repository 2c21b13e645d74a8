import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'
import { commands } from '../src/commands/index.ts'
import { parse } from '../src/runner/parse/parse.ts'
import { blocksOf, docPages, invocationsIn, pageText, root, shownIn } from './support/doc-pages.ts'

const around = { env: {}, version: '1', color: false, columns: 80 }

/** Every line of a page that is a command: in blocks of a shell, in what is shown, and in code within the text. */
function commandLines(text: string): readonly string[] {
  const blocks = blocksOf(text)
  const inBlocks = blocks.flatMap((block) => {
    if (block.language === 'console') return shownIn(block).map(({ command }) => command)
    return block.language === 'sh' ? block.lines : []
  })
  const prose = text.replace(/^```[\s\S]*?^```$/gm, '')
  return [...inBlocks, ...[...prose.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)]
}

/** A word in capitals, or with dots, stands for something: `undo ID`, `goat …`. */
const standIns: Readonly<Record<string, string>> = {
  'KEY=VALUE': 'PDS_SERVICE_NAME=Kimbia',
  'ACCOUNT…': 'alice',
  NSID: 'com.atproto.server.describeServer',
  'USER@MACHINE': 'ops@laptop',
  EMAIL: 'alice@example.com',
  HANDLE: 'alice',
  N: '5',
  ID: '20261122T180000Z-7f3a',
}

describe('the commands of the pages', () => {
  const found = docPages().flatMap((path) =>
    commandLines(pageText(path)).flatMap((line) =>
      invocationsIn(line).map((words) => ({
        path,
        line,
        words: words.map((word) => standIns[word] ?? word),
      })),
    ),
  )

  test('are many', () => {
    expect(found.length).toBeGreaterThan(150)
  })

  test.each(found.map((it) => [it.path, it.line, it] as const))('%s: %s', async (path, _line, { words }) => {
    if (words.includes('COMMAND')) return
    const isNoun = words.length === 1 && commands.some(({ name }) => name.startsWith(`${words[0]} `))
    if (words.length === 0 || isNoun) return
    const parsed = await parse(words, commands, around)
    if (parsed.kind === 'run' && !path.startsWith('docs/commands/')) {
      const isWhole = !/^`?kimbia-ops [a-z -]+$/.test(_line)
      if (isWhole) expect(parsed.missing).toEqual([])
    }
  })
})

describe('the links of the pages', () => {
  const anchorsOf = (path: string): readonly string[] =>
    [
      ...pageText(path)
        .replace(/^```[\s\S]*?^```$/gm, '')
        .matchAll(/^#+ (.+)$/gm),
    ].map(([, heading = '']) =>
      heading
        .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    )
  const links = docPages().flatMap((path) =>
    [...pageText(path).matchAll(/\]\((?!https?:|mailto:)([^)\s]*)\)/g)].map(
      ([, to = '']) => [path, to] as const,
    ),
  )

  test('are many', () => {
    expect(links.length).toBeGreaterThan(60)
  })

  test.each(links)('%s → %s', (path, to) => {
    const [file = '', anchor] = to.split('#')
    const target = file === '' ? path : normalize(join(dirname(path), file))
    expect(existsSync(join(root, target)), target).toBe(true)
    if (anchor !== undefined) expect(anchorsOf(target)).toContain(anchor)
  })

  test('README is short, and each page of docs is linked from it or from a page that it links', () => {
    expect(pageText('README.md').split('\n').length).toBeLessThanOrEqual(200)
    const linked = new Set(
      links.map(([path, to]) => normalize(join(dirname(path), to.split('#')[0] || 'README.md'))),
    )
    expect(docPages().filter((path) => path.startsWith('docs/') && !linked.has(path))).toEqual([])
  })
})

describe('the paths on a host that the pages name', () => {
  const source = globSync('src/**/*.{ts,sh}', { cwd: root })
    .map((path) => readFileSync(join(root, path), 'utf8'))
    .join('\n')
  const paths = new Set(
    docPages()
      .filter((path) => !path.startsWith('docs/commands/'))
      .flatMap((path) =>
        [...pageText(path).matchAll(/`(\/(?:pds|var\/lib)\/[^`\s]*)`/g)].map(([, it = '']) => it),
      ),
  )

  test('are some', () => {
    expect(paths.size).toBeGreaterThan(8)
  })

  test.each([...paths])('%s', (path) => {
    // The parts that kimbia-ops chooses; the directory of pds.env, a time and the name of a file are the host's.
    const parts = path
      .replace(/^\/var\/lib\/kimbia-ops(\/srv)?\/pds/, '/kimbia-ops')
      .replace(/^\/pds/, '')
      .split('/')
      .map((part) => part.replace(/\.TIME$|^TIME$/, ''))
      .filter(Boolean)
    for (const part of parts) expect(source, part).toContain(part.replace(/^\.pds\.env/, ''))
    if (path.startsWith('/var/lib')) expect(source).toContain('/var/lib/kimbia-ops')
  })
})

test('the files of a change that docs/on-the-host.md names are those that the program on the host makes', () => {
  const source = globSync('src/host/change/**/*', { cwd: root })
    .filter((path) => /\.(ts|sh)$/.test(path))
    .map((path) => readFileSync(join(root, path), 'utf8'))
    .join('\n')
  const [, section = ''] = pageText('docs/on-the-host.md').split('## A change\n')
  const names = [...section.matchAll(/^\| (`[^|]*) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  )
  expect(names.length).toBeGreaterThan(8)
  for (const name of names) expect(source, name).toContain(name.replace('N.log', '').replace(/\/$/, ''))
})
