/** Says within the tested program which mutant is on, or records which mutants a test file reaches. Copied beside the program. */
import { appendFileSync } from 'node:fs'

const { MUTANT = '-1', MUTANTS_REACHED } = process.env
const active = Number(MUTANT)
const reached = new Set()

const record = (id) => {
  if (!reached.has(id)) appendFileSync(MUTANTS_REACHED, `${id} ${process.env.MUTANTS_TEST}\n`)
  reached.add(id)
  return false
}

/** Whether a mutant is on in this process. */
export const isOn$ = MUTANTS_REACHED ? record : (id) => id === active

/** The value itself. As a call it can stand wherever an expression may, also at the start of a line. */
export const mutant$ = (value) => value
