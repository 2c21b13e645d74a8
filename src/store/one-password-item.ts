import { failed } from '../base/failure.ts'
import { Secret } from '../base/secret.ts'

/** Where in 1Password a password is: op://vault/item/field, or op://vault/item/section/field. */
export interface Reference {
  readonly vault: string
  readonly item: string
  readonly section: string | undefined
  readonly field: string
}

interface Section {
  readonly id: string
  readonly label?: string | undefined
}

/** A field of an item, as op prints and takes it; what is not named here is passed on as it is. */
export interface Field {
  readonly id?: string | undefined
  readonly label?: string | undefined
  readonly type?: string | undefined
  readonly value?: string | undefined
  readonly section?: Section | undefined
}

/** An item, as op prints and takes it; what is not named here is passed on as it is. */
export interface Item {
  readonly id: string
  readonly category?: string | undefined
  readonly sections?: readonly Section[] | undefined
  readonly fields: readonly Field[]
}

/** The field of the password that does not work yet. */
export const pendingOf = (ref: Reference): Reference => ({ ...ref, field: `${ref.field}-pending` })

/** The item that op printed, or undefined when it is none that could be sent back. */
export function parseItem(text: string): Item | undefined {
  try {
    const { id, fields = [], ...rest } = JSON.parse(text) as Partial<Item>
    return typeof id === 'string' && Array.isArray(fields) ? { id, fields, ...rest } : undefined
  } catch {
    return undefined
  }
}

/** The field that a reference names; without a section, one outside of all sections goes first, as with op. */
export function findField(item: Item, ref: Reference): Field | undefined {
  const named = item.fields.filter((field) => answersTo(field, ref.field))
  const { section } = ref
  const inSection = named.filter((field) =>
    section === undefined ? !field.section : field.section && answersTo(field.section, section),
  )
  const found = section === undefined && inSection.length === 0 ? named : inSection
  if (found.length > 1)
    throw failed(
      'store-ambiguous',
      `the item “${ref.item}” has ${found.length} fields “${ref.field}”`,
      `name the section in the config: op://${ref.vault}/${ref.item}/SECTION/${ref.field}`,
    )
  return found[0]
}

/** What a field holds; an empty one holds nothing. */
export const secretOf = (field: Field | undefined): Secret | undefined =>
  field?.value ? new Secret(field.value) : undefined

/** The item with the field set, or added where the field of the current password is. */
export function withField(item: Item, ref: Reference, secret: Secret, beside?: Field): Item {
  const value = secret.reveal()
  const found = findField(item, ref)
  if (found) {
    const changed = { ...found, type: 'CONCEALED', value }
    return { ...item, fields: item.fields.map((field) => (field === found ? changed : field)) }
  }
  const { sections = [] } = item
  const known = sections.find((one) => ref.section !== undefined && answersTo(one, ref.section))
  const made = ref.section === undefined || known ? undefined : { id: ref.section, label: ref.section }
  const section = beside?.section ?? known ?? made
  const field: Field = { id: '', type: 'CONCEALED', label: ref.field, value, ...(section && { section }) }
  return {
    ...item,
    ...(made && { sections: [...sections, made] }),
    fields: [...item.fields, field],
  }
}

/** The item without the field. */
export function withoutField(item: Item, ref: Reference): Item {
  const found = findField(item, ref)
  return found ? { ...item, fields: item.fields.filter((field) => field !== found) } : item
}

/** All that an item hides. */
export const secretsOf = (item: Item): Secret[] =>
  item.fields.flatMap(({ type, value }) => (type === 'CONCEALED' && value ? [new Secret(value)] : []))

/** The item as op takes it, which refuses dates that are empty. */
export const toTemplate = (item: Item): Secret =>
  new Secret(
    JSON.stringify({
      ...item,
      fields: item.fields.filter(({ type, value }) => value || !/^(DATE|MONTH_YEAR)$/.test(type ?? '')),
    }),
  )

const answersTo = ({ id, label }: { id?: string | undefined; label?: string | undefined }, name: string) =>
  [id, label].some((one) => one?.toLowerCase() === name.toLowerCase())
