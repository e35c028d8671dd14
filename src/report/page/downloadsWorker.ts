/**
 * The worker thread of `downloadsThread.ts`: answers each figure with its downloadable files, in the order of receipt.
 */
import { parentPort } from 'node:worker_threads'
import type { Figure } from '../pictures/figure.ts'
import { filesOf } from './figureHtml.ts'

parentPort?.on('message', (figure: Figure) => parentPort?.postMessage(filesOf(figure)))
