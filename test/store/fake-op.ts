import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

// A program that answers as op, the 1Password CLI 2, does; what it knows is in files beside its first argument.
interface Field {
  id: string
  label: string
  type: string
  value?: string
  section?: { id: string; label?: string }
}
interface Item {
  id: string
  title: string
  category: string
  sections?: { id: string; label?: string }[]
  fields: Field[]
}
interface State {
  mode?: 'signed out' | 'slow' | 'stuck' | 'refuses' | 'forgets'
  vault: string
  items: Item[]
}

const [stateFile = '', ...words] = process.argv.slice(2)
const state = JSON.parse(readFileSync(stateFile, 'utf8')) as State
appendFileSync(
  join(dirname(stateFile), 'calls.jsonl'),
  `${JSON.stringify({ words, env: Object.values(process.env).join('\n') })}\n`,
)

const end = (message: string): never => {
  process.stderr.write(`[ERROR] 2026/11/22 21:40:00 ${message}\n`)
  process.exit(1)
}
const same = (one: string | undefined, other: string) => one?.toLowerCase() === other.toLowerCase()
const option = (name: string) => words[words.indexOf(name) + 1] ?? ''
const show = (value: unknown) => process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`)

function itemOf(vault: string, wanted: string): Item {
  if (!same(state.vault, vault))
    end(`"${vault}" isn't a vault in this account. Specify the vault with its ID or name.`)
  const found = state.items.find(({ id, title }) => same(id, wanted) || same(title, wanted))
  return (
    found ??
    end(`"${wanted}" isn't an item in the "${vault}" vault. Specify the item with its UUID, name, or domain.`)
  )
}

function read(reference: string): void {
  const odd = /[^A-Za-z0-9 ._-]/.exec(reference.replace('op://', '').replaceAll('/', ''))
  if (odd) end(`could not read secret '${reference}': invalid character in secret reference: '${odd[0]}'`)
  const parts = reference.replace('op://', '').split('/')
  const [vault = '', wanted = ''] = parts
  const name = parts.at(-1) ?? ''
  const section = parts.length === 4 ? parts[2] : undefined
  const item = itemOf(vault, wanted)
  const named = item.fields.filter(({ id, label }) => same(id, name) || same(label, name))
  const found =
    section === undefined
      ? (named.find((field) => !field.section) ?? named[0])
      : named.find((field) => same(field.section?.id, section) || same(field.section?.label, section))
  if (!found) end(`could not read secret '${reference}': item '${wanted}' does not have a field '${name}'`)
  process.stdout.write(found?.value ?? '')
}

function edit(): void {
  const before = itemOf(option('--vault'), words[2] ?? '')
  const text = readFileSync(0, 'utf8')
  if (state.mode === 'refuses') end(`cannot use this template: ${text}`)
  const after = JSON.parse(text) as Item
  if (after.fields.some(({ type, value }) => type === 'DATE' && !value)) end('invalid date')
  const fields = after.fields.map((field, i) => ({ ...field, id: field.id || `made${i}` }))
  if (state.mode !== 'forgets')
    state.items = state.items.map((item) => (item.id === before.id ? { ...before, ...after, fields } : item))
  writeFileSync(stateFile, JSON.stringify(state))
  show({ ...after, fields })
}

if (state.mode === 'stuck') await sleep(600_000)
if (state.mode === 'slow') await sleep(300)
if (state.mode === 'signed out')
  end('you are not currently signed in. Please run `op signin --help` for instructions')
switch (words.slice(0, 2).join(' ')) {
  case 'item get':
    show(itemOf(option('--vault'), words[2] ?? ''))
    break
  case 'item edit':
    edit()
    break
  case 'item list':
    show(state.items.map(({ id, title }) => ({ id, title })))
    break
  case 'vault list':
    show([{ id: 'vaultid', name: state.vault }])
    break
  default:
    if (words[0] === 'read') read(words.at(-1) ?? '')
    else end(`unknown command "${words[0]}" for "op"`)
}
