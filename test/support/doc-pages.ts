import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The root of the repository. */
export const root = join(import.meta.dirname, '../..')

/** Every page that people read, by its path in the repository. */
export const docPages = (): readonly string[] =>
  globSync(['README.md', 'CONTRIBUTING.md', 'ARCHITECTURE.md', 'SECURITY.md', 'docs/**/*.md'], {
    cwd: root,
  }).sort()

export const pageText = (path: string): string => readFileSync(join(root, path), 'utf8')

/** A fenced block of a page; `from` is the number of its first line of text. */
export interface Block {
  readonly language: string
  readonly lines: readonly string[]
  readonly from: number
}

/** The fenced blocks of a page. */
export function blocksOf(text: string): readonly Block[] {
  const blocks: Block[] = []
  let open: { language: string; lines: string[]; from: number } | undefined
  for (const [index, line] of text.split('\n').entries()) {
    const [fence, language = ''] = /^```(\S*)$/.exec(line) ?? []
    if (fence === undefined) open?.lines.push(line)
    else if (open) {
      blocks.push(open)
      open = undefined
    } else open = { language, lines: [], from: index + 2 }
  }
  return blocks
}

/** A command of a `console` block, and what is shown below it. */
export interface Shown {
  readonly command: string
  readonly output: readonly string[]
}

/** The commands of a `console` block. */
export function shownIn({ lines }: Block): readonly Shown[] {
  const found: { command: string; output: string[] }[] = []
  for (const line of lines) {
    if (line.startsWith('$ ')) found.push({ command: line.slice(2), output: [] })
    else found.at(-1)?.output.push(line)
  }
  return found
}

/** The words behind each `kimbia-ops` in a command line of a shell, without what belongs to the shell. */
export function invocationsIn(line: string): readonly (readonly string[])[] {
  return [...line.matchAll(/(?:^|[\s(`!;|&])kimbia-ops(?= |$)((?:'[^']*'|"[^"]*"|[^'"|;&)`])*)/g)].map(
    ([, words = '']) =>
      [...words.matchAll(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g)]
        .map(([word]) => word)
        .filter((word, index, all) => !isRedirection(word) && !/^\d*[<>]$/.test(all[index - 1] ?? ''))
        .map((word) => word.replace(/'([^']*)'|"([^"]*)"/g, (_, single, double) => single ?? double)),
  )
}

const isRedirection = (word: string): boolean => /^\d*[<>]/.test(word)
