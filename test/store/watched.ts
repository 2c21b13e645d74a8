import { readdirSync, readFileSync } from 'node:fs'

/** What every process of this machine showed to others, in its words or its environment, while some work was done. */
export async function watched(work: () => Promise<unknown>): Promise<string> {
  const seen = new Set<string>()
  const look = () => {
    for (const pid of readdirSync('/proc').filter(
      (name) => /^\d+$/.test(name) && Number(name) !== process.pid,
    ))
      for (const file of ['cmdline', 'environ'])
        try {
          seen.add(readFileSync(`/proc/${pid}/${file}`, 'latin1'))
        } catch {
          // It has ended, or is someone else's.
        }
  }
  const timer = setInterval(look, 5)
  try {
    await work()
  } finally {
    clearInterval(timer)
  }
  return [...seen].join('\n')
}
