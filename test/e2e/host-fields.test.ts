import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { type Schema, violations } from '../support/json-schema.ts'
import { withoutDocker } from '../support/local-host.ts'
import { rows, run } from './cli.ts'
import { hostRuns } from './host-runs.ts'

let rig: RigHost

describe.skipIf(withoutDocker)(
  'what a command gives of a host with containers is what its schema says',
  () => {
    beforeAll(async () => {
      rig = await startRig({ docker: { tag: '0.4.5034', watchtower: true } })
    }, 180_000)
    afterAll(() => rig?.stop())

    test.each(Object.entries(hostRuns))('%s', async (name, args) => {
      const [printed, ran] = await Promise.all([
        run(undefined, ['schema', ...name.split(' ')]),
        run(rig, [...name.split(' '), ...args, '--json']),
      ])
      const schema = JSON.parse(printed.stdout) as { output: Schema }
      // Some have findings on a host of this kind, which is a result as well.
      expect([0, 3], ran.stderr).toContain(ran.code)
      expect(rows(ran)).not.toEqual([])
      for (const one of rows(ran)) expect(violations(schema.output, one)).toEqual([])
    })
  },
)
