/** Changes nothing: by it, what is shown to somebody is written to the trail. */
export interface NoteStep {
  readonly kind: 'note'
  readonly why: string
  readonly does: string
}

/** A step that is only recorded. */
export const note = (why: string, does: string): NoteStep => ({ kind: 'note', why, does })
