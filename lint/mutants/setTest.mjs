/** Tells the program which test file runs, also in the processes that the test starts. Loaded by vitest before each test file. */
import { expect } from 'vitest'

process.env.MUTANTS_TEST = expect.getState().testPath
