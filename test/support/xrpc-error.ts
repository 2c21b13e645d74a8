import type { Failure } from '../../src/base/failure.ts'
import type { As } from '../../src/pds/xrpc/client.ts'
import { refusal } from '../../src/pds/xrpc/failures.ts'

/** The Failure that the real adapter makes of an XRPC error, such as `xrpcError('InvalidHandle', 'Handle too short')`. */
export const xrpcError = (error: string, message: string = error, status = 400, as: As = 'admin'): Failure =>
  refusal(
    {
      nsid: 'scripted',
      method: 'POST',
      where: 'the scripted PDS',
      as: typeof as === 'string' ? as : 'bearer',
    },
    { status, contentType: 'application/json', body: Buffer.from(JSON.stringify({ error, message })) },
  )
