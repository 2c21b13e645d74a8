/** More came than was asked for. */
export class TooLarge extends Error {}

/** The whole of an answer, of at most so many bytes; throws TooLarge. */
export async function collect(
  stream: AsyncIterable<Uint8Array>,
  { limit }: { readonly limit: number },
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of stream) {
    length += chunk.byteLength
    if (length > limit) throw new TooLarge()
    chunks.push(chunk)
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
}
