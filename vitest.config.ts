import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** The files that take longest, the longest first: begun last, one of them would keep the others' workers idle. */
const slowest = [
  'e2e/recover-power',
  'e2e/admin-password-cut',
  'e2e/compose-images',
  'e2e/recover',
  'e2e/update',
  'e2e/host-faults',
  'e2e/compose-settings',
  'e2e/login-shells',
  'e2e/env',
  'e2e/recreate-proof',
  'e2e/own-container',
  'rig/docker',
  'e2e/admin-password',
  'e2e/refusals',
  'e2e/admin-password-link',
  'e2e/pds-faults',
  'e2e/container-writes',
  'ssh/session.contract',
  'e2e/accounts',
  'e2e/output',
]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const place = slowest.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`))
      if (place >= 0) return place
      // Those that wait for a host come before those that only compute.
      return slowest.length + (moduleId.includes('/test/e2e/') ? 0 : 1)
    }
    return files.toSorted((a, b) => rank(a) - rank(b) || a.moduleId.localeCompare(b.moduleId))
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // One more than a small machine has cores: those with a host mostly wait for it.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: process.env.CI ? ['default', ['json', { outputFile: '.rig/tests.json' }]] : ['default'],
  },
})
