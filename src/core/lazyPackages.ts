/**
 * Loads packages when they are first used. Loading zod and building schemas with it takes as long as `bench status`
 * needs for thousands of runs whose records are indexed and not parsed; ml-matrix and yaml, which few commands need,
 * are as slow. `require` is the only way to load a package in the middle of a function that returns no promise.
 */
import { createRequire } from 'node:module'
import type * as matrix from 'ml-matrix'
import type * as yaml from 'yaml'
import type { z } from 'zod'
import { once } from './onceEach.ts'

const require = createRequire(import.meta.url)

/** Returns zod's functions. */
export const loadZod = once((): typeof z => require('zod').z)

/** Returns the functions and classes of yaml: a parser and writer of YAML. */
export const loadYaml = once((): typeof yaml => require('yaml'))

/** Returns the classes of ml-matrix: linear algebra on dense matrices. */
export const loadMatrices = once((): typeof matrix => require('ml-matrix'))
