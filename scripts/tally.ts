/** Prints the closing line of .ci/run: what vitest counted, plus the steps beside it that failed. */
import { readFileSync } from 'node:fs'

interface Counts {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  numTodoTests: number
  numFailedTestSuites: number
  success: boolean
  testResults: { assertionResults: { status: string; fullName: string }[] }[]
}

/** What the name of a test says that meets a program which Debian has not: it may be skipped, and is named. */
const elsewhere = 'not to be had from Debian'

const [file = '', steps = '0'] = process.argv.slice(2)
const read = (): Counts | undefined => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Counts
  } catch {
    return undefined
  }
}
const counts = read()
const absent = (counts?.testResults ?? [])
  .flatMap(({ assertionResults }) => assertionResults)
  .filter(
    ({ status, fullName }) => status !== 'passed' && status !== 'failed' && fullName.includes(elsewhere),
  )
const skipped = (counts?.numPendingTests ?? 0) + (counts?.numTodoTests ?? 0) - absent.length
const failed = (counts?.numFailedTests ?? 0) + Number(steps)
for (const { fullName } of absent) console.log(`skipped: ${fullName}`)
if (skipped > 0) console.log(`${skipped} tests were skipped: nothing may be skipped here`)
console.log(`${counts?.numPassedTests ?? 0} passed, ${failed + skipped} failed`)
process.exitCode = counts?.success === true && failed + skipped === 0 ? 0 : 1
