/** A text in one line, as a conversation needs it: `%n` for a line break, `%p` for a per cent sign. */
export const toOneLine = (text: string): string => text.replaceAll('%', '%p').replaceAll('\n', '%n')

/** The commands of sed that make the text of such a line again. */
export const fromOneLine = `s/%n/\\
/g
s/%p/%/g`
