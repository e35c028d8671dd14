/** Commands that are shown to users: complete, and quoted so that a shell takes them as they are pasted. */

/** A word as a POSIX shell reads it: as it is where nothing in it is special, else in single quotes. */
export const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`

/** `bench` with these words: `bench retrain --genotype 'my runs/a/result.json'`. */
export const benchCommand = (...words: readonly string[]): string => ['bench', ...words.map(shellWord)].join(' ')
