import { dirname } from 'node:path'
import { type Failure, usage } from '../../base/failure.ts'
import { readAdminPassword, readFormerPassword } from '../../host/admin-password/record.ts'
import type { Proof } from '../../plan/steps/proof.ts'
import type { PasswordSources } from '../../plan/steps/tools.ts'
import { storeLabel } from '../../store/label.ts'
import type { Store, StoreOptions } from '../../store/store.ts'
import type { Views } from '../command/views.ts'

type Sight = Pick<Views, 'config'> & { readonly host: Pick<Views['host'], 'ask' | 'config' | 'where'> }

/** Opens nothing yet. */
export function passwordSources(
  world: { readonly openStore: (name: string, options: StoreOptions) => Promise<Store> },
  { host, config }: Sight,
  named?: string | undefined,
): PasswordSources {
  const configured = async () =>
    named === undefined ? (await host.config()).adminPassword : { store: named, read: undefined }
  return {
    async store(label) {
      const { name } = await host.config()
      const known = await configured()
      const own = known?.store
      const isOwn = own !== undefined && storeLabel(own) === label
      if (!isOwn && label === storeLabel('command:')) throw foreignStore(label, (await config()).file)
      return await world.openStore(isOwn ? own : label, {
        base: dirname((await config()).file),
        hostName: name,
        readCommand: isOwn ? known?.read : undefined,
      })
    },
    async assertConfiguredStore(label) {
      const own = (await configured())?.store
      if (label === 'stdout' || (own !== undefined && storeLabel(own) === label)) return
      throw foreignStore(label, (await config()).file)
    },
    currentPassword: () => readAdminPassword(host),
    formerPassword: () => readFormerPassword(host),
  }
}

/** The store of a change that only the host names. */
export const foreignStore = (label: string, file: string): Failure =>
  usage(
    `the change keeps the password in ${label}, and neither ${file} nor you have named that store`,
    `if it is yours: the same command with --store ${label === 'command:…' ? 'command:LINE' : label}; what the host says of it is never believed by itself`,
    'store-not-configured',
  )

/** The proof with the passwords that it speaks of; any other as it is. */
export async function withPasswords(proof: Proof, vault: PasswordSources | undefined): Promise<Proof> {
  if (proof.kind !== 'admin password') return proof
  const { accepted, refused } = proof
  if (!vault) throw new TypeError('a proof of the admin password stands where none can be read')
  return {
    ...proof,
    accepted: accepted === 'of pds.env' ? await vault.currentPassword() : accepted,
    ...(refused && {
      refused: refused === 'of the former pds.env' ? await vault.formerPassword() : refused,
    }),
  }
}
