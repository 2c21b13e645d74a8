import { Failure } from '../../src/base/failure.ts'

/** The Failure that some work ends in; anything else fails the test. */
export async function failureOf(work: Promise<unknown>): Promise<Failure> {
  let value: unknown
  try {
    value = await work
  } catch (error) {
    if (error instanceof Failure) return error
    throw error
  }
  throw new Error(`expected a Failure, but it gave ${JSON.stringify(value)}`)
}
