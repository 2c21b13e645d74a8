/** Prints the closing line of .ci/run: what vitest counted, plus the steps beside it that failed. */
import { readFileSync } from 'node:fs'

interface Counts {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  numTodoTests: number
  numFailedTestSuites: number
  success: boolean
}

const [file = '', steps = '0'] = process.argv.slice(2)
const read = (): Counts | undefined => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Counts
  } catch {
    return undefined
  }
}
const counts = read()
const skipped = (counts?.numPendingTests ?? 0) + (counts?.numTodoTests ?? 0)
const failed = (counts?.numFailedTests ?? 0) + Number(steps)
if (skipped > 0) console.log(`${skipped} tests were skipped: nothing may be skipped here`)
console.log(`${counts?.numPassedTests ?? 0} passed, ${failed + skipped} failed`)
process.exitCode = counts?.success === true && failed + skipped === 0 ? 0 : 1
