import { describe, expect, test } from 'vitest'
import { unreachable } from '../../../src/base/failure.ts'
import { scriptedPds } from '../../support/scripted-pds.ts'
import { errorOf, rowsOf, scriptedWorld } from '../../support/world.ts'

describe('lists', () => {
  const many = () => {
    const accounts = Array.from({ length: 60 }, (_, index) => ({ handle: `user${index}.test` }))
    return scriptedPds({ pageSize: 1, accounts })
  }

  test('come out before the last page is read', async () => {
    const ran = await scriptedWorld({ pds: many() }).run('account', 'list', '--json')
    expect(rowsOf(ran)).toHaveLength(60)
    expect(ran.happened.indexOf('stdout')).toBeLessThan(ran.happened.lastIndexOf('read listRepos'))
  })

  test.each([['--json'], []])('end when nobody reads any more %s', async (...flags) => {
    const world = scriptedWorld({ pds: many(), terminal: { reads: 1 } })
    const ran = await world.run('account', 'list', ...flags)
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    expect(ran.happened.filter((it) => it === 'read listRepos').length).toBeLessThan(40)
  })

  test('that fail in the middle have told what came before', async () => {
    const pds = many()
    const { query } = pds
    let pages = 0
    pds.query = ((nsid, ...rest) => {
      if (nsid === 'com.atproto.sync.listRepos' && ++pages > 30) throw unreachable('link-lost', 'gone')
      return query.call(pds, nsid, ...rest)
    }) as typeof query
    const ran = await scriptedWorld({ pds }).run('account', 'list', '--json')
    expect(ran.code).toBe(5)
    expect(rowsOf(ran).length).toBeGreaterThan(0)
    expect(errorOf(ran)).toMatchObject({ code: 'link-lost' })
  })
})
