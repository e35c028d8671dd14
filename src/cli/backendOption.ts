/** The command-line option `--backend`. It stands apart from `options.ts`, which also the commands without backends load. */
import { Option } from 'commander'
import { backendNames } from '../engine/index.ts'
import { oneOf } from './options.ts'

export const backendOption = () =>
  new Option('--backend <name>', `${backendNames.join(', ')} (default: auto)`).argParser(oneOf('backend', backendNames))
