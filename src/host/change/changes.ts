import { Failure } from '../../base/failure.ts'
import type { Conversation } from '../../ssh/session.ts'
import type { Host } from '../access/host.ts'
import { agent } from './agent.ts'
import type { Change, ChangePlan, Changes, Holder } from './change.ts'
import { atOnce, firstOf, fits, holderLine, toUpload, writesOf } from './compile.ts'
import { openChange } from './holding.ts'
import { changesDir, readStanding } from './pending.ts'
import { busyFailure, changeGone, locked, nameOf, notBegun, notVerified } from './refusals.ts'
import { parseStanding, type Standing, toPending } from './standing.ts'
import type { HostStep } from './step.ts'

/** Seconds of silence after which a holder who is still connected counts as one who says nothing more. */
const silence = 60

/** What takes the lock of this host. */
export const openChanges = (host: Host): Changes => ({
  begin: (plan, steps, noted) => begin(host, plan, steps, noted),
  adopt: (id, holder, unverified) => adopt(host, id, holder, unverified),
  breakLock: (holder) => breakLock(host, holder),
})

async function begin(
  host: Host,
  plan: ChangePlan,
  steps: readonly HostStep[],
  noted: Promise<void> | undefined,
): Promise<Change> {
  if (!fits(plan, steps)) throw new TypeError('the steps of the host are one run among those of its plan')
  const dir = changesDir(await host.config())
  const where = await host.where()
  let written = false
  noted?.then(
    () => {
      written = true
    },
    () => {},
  )
  const [conversation, upload] = await Promise.all([
    host.converse(agent(dir, 'begin', { writes: writesOf(plan, steps) })),
    toUpload({ dir }, plan, steps),
  ])
  return hangUpOnError(conversation, async () => {
    let before: Standing | undefined
    // What this machine does first, and an intent that is not there yet, are waited for: then it is told to run.
    const goes = firstOf(plan) === 0 && written
    const say = async (line: string) => readAnswer(await conversation.say(line))
    const follow = () =>
      openChange({ host, conversation, plan, before: before && toPending(before), written: [] })
    let answer: Said
    try {
      answer = await say(goes ? `${upload}${atOnce}` : upload)
    } catch (error) {
      // It may run by now. Whoever follows it is told that the line is lost, and that the host goes on.
      if (goes && error instanceof Failure) return follow()
      throw error
    }
    for (let tries = 0; answer.word === 'there'; tries++) {
      before = parseStanding(answer.lines)
      if (tries > 9 || (before.any === 'something' && before.state !== 'over'))
        throw busyFailure(before, where)
      await noted
      const id = before.plan?.id ?? 'none'
      answer = await say(`replace ${before.token || 'none'} ${id}`)
    }
    if (answer.word !== 'ok') throw notBegun(where, dir, answer.lines.join(' '))
    return follow()
  })
}

async function adopt(
  host: Host,
  id: string,
  holder: Holder,
  unverified: 'allowed' | undefined,
): Promise<Change> {
  const dir = changesDir(await host.config())
  const where = await host.where()
  const seen = await readStanding(host)
  if (seen.plan?.id !== id) throw changeGone(`${where}: the change ${id} does not stand there any more`)
  if (seen.agent === 'alive') throw locked(seen, where)
  if (seen.program === 'unverified' && !unverified) throw notVerified(where, dir)
  const conversation = await host.converse(agent(dir, 'adopt', { unverified }))
  return hangUpOnError(conversation, async () => {
    const said = await conversation.say(`${id} ${seen.token || 'none'} ${holderLine(id, holder)}`)
    const answer = readAnswer(said)
    const now = parseStanding(answer.lines)
    if (answer.word === 'there' && now.plan?.id !== id)
      throw changeGone(`${where}: the change ${id} does not stand there any more`)
    if (answer.word === 'there') throw locked(now, where)
    if (answer.word !== 'ok' || !now.plan) throw notBegun(where, dir, answer.lines.join(' '))
    return openChange({ host, conversation, plan: now.plan, before: toPending(now), written: now.written })
  })
}

async function breakLock(host: Host, holder: string): Promise<void> {
  const dir = changesDir(await host.config())
  const where = await host.where()
  const seen = await readStanding(host)
  const name = seen.lock ? nameOf(seen.lock) : 'unknown@unknown'
  if (seen.any === 'nothing' || (seen.plan && !seen.lock)) throw changeGone(`${where} has no lock`)
  if (name !== holder)
    throw changeGone(
      `${where}: the lock is not held by ${holder} but by ${name}`,
      `to remove it: kimbia-ops recover --break-lock ${name}`,
    )
  if (seen.runner === 'alive' || (seen.agent === 'alive' && seen.silent < silence)) throw locked(seen, where)
  const conversation = await host.converse(agent(dir, 'break'))
  await hangUpOnError(conversation, async () => {
    const answer = readAnswer(await conversation.say(seen.token || 'none'))
    if (answer.word === 'busy') throw locked(await readStanding(host), where)
    if (answer.word !== 'ok') throw notBegun(where, dir, answer.lines.join(' '))
    await conversation.end()
  })
}

interface Said {
  readonly word: string
  readonly lines: readonly string[]
}

/** One word, and the lines that the agent put into one. */
function readAnswer(answer: string): Said {
  const [word = ''] = answer.split(' ', 1)
  return { word, lines: answer.slice(word.length + 1).split('\x02') }
}

/** An agent to which nothing more is to be said is let go. */
async function hangUpOnError<T>(conversation: Conversation, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    await conversation.end().catch(() => undefined)
    throw error
  }
}
