/**
 * Reads what a method that is a program declares (name, version, options, …): from a method file (YAML) or from the
 * program itself, which answers the message `describe`. Hashes the source files that identify its jobs.
 */
import { createHash } from 'node:crypto'
import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, delimiter, dirname, extname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { BenchError } from '../../core/errors.ts'
import { problemIn } from '../../core/parseRecord.ts'
import { beyondLimit, limitOf } from '../../system/limits.ts'
import { noPlugin, PROGRAM_ENDINGS } from '../../system/plugins.ts'
import { Program, type ProgramCommand } from '../../system/program.ts'
import { statIfThere } from '../../system/readable.ts'
import { readYaml } from '../../system/yamlFile.ts'
import { type Declaration, type DeclaredOption, declaration, PROTOCOL, programMessage } from './messages.ts'

/**
 * A search method that is an external program: what it declares, how it is started, and what identifies its content.
 */
export interface ExternalMethod {
  readonly declared: Declaration
  readonly command: ProgramCommand
  /** Interpreter and version, such as `Python 3.11.7`; undefined if the program does not tell. */
  readonly interpreter?: string
  /** Name of the program's file, and hash of the source files and the command. */
  readonly origin: string
}

/** Folder of the Python client, which every Python program can import without installing it. */
export const CLIENT_FOLDER = fileURLToPath(new URL('../../../python', import.meta.url))

const IS_YAML = /\.ya?ml$/

/** Schema of a method file (YAML), which declares a search method that is an external program. */
const methodFile = declaration.partial().extend({
  program: z.string().optional(),
  command: z.array(z.string()).min(1).optional(),
  python: z.string().optional(),
  environment: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String)).default({}),
  folder: z.string().default('.'),
})

/**
 * Reads the declaration of a search method that is an external program.
 * @param source path of the program, or of a method file (YAML)
 * @throws BenchError `missing` for a missing file or interpreter, `bad-input` for a malformed declaration
 */
export async function readMethod(source: string): Promise<ExternalMethod> {
  const path = resolve(source)
  const found = statIfThere(path)
  if (found === undefined) {
    throw new BenchError('missing', `method ${source}: there is no file ${path}; give its path from this folder`)
  }
  if (!found.isFile()) throw new BenchError('bad-input', `method ${source} is no file; name the program itself`)
  return IS_YAML.test(path) ? methodOfFile(source, path) : methodOfProgram(source, path)
}

async function methodOfProgram(source: string, path: string): Promise<ExternalMethod> {
  if (!PROGRAM_ENDINGS.has(extname(path)) && !mayExecute(path)) throw noPlugin(source)
  const command = { words: wordsFor(path), folder: dirname(path), environment: environmentOf({}) }
  const described = await describe(source, command)
  return { ...described, origin: originOf(path, described.declared.files, command) }
}

function mayExecute(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

async function methodOfFile(source: string, path: string): Promise<ExternalMethod> {
  const { data, content } = readYaml(path, { what: 'method file', schema: methodFile, example: '"program: search.py"' })
  const { program, command: words, python, environment, folder, ...members } = data
  // Only what the file says replaces what the program declares, not the defaults of the schema.
  const given = Object.fromEntries(Object.entries(members).filter(([key]) => Object.hasOwn(content as object, key)))
  if ((program === undefined) === (words === undefined)) {
    const expected = 'expected `program: search.py`, or `command: [julia, search.jl]`'
    throw new BenchError(
      'bad-input',
      `${source}: it has ${program ? 'both program and command' : 'no program'}; ${expected}`,
    )
  }
  const at = (name: string) => resolve(dirname(path), name)
  if (program !== undefined && statIfThere(at(program)) === undefined) {
    throw new BenchError('missing', `${source}: there is no program ${at(program)}; its path is relative to ${source}`)
  }
  const interpreterPath = python === undefined ? undefined : interpreterAt(python, at, source)
  const command: ProgramCommand = {
    words: program === undefined ? (words as string[]) : wordsFor(at(program), interpreterPath),
    folder: at(folder),
    environment: environmentOf(environment),
  }
  // A complete declaration in the file saves starting the program to ask for it.
  const isComplete = given.name !== undefined && given.version !== undefined && given.options !== undefined
  const described = isComplete
    ? { declared: declaration.parse(given), interpreter: undefined, command }
    : await describe(source, command, given)
  return { ...described, origin: originOf(path, described.declared.files, command) }
}

/** Returns the command that starts a program: Python programs by an interpreter, others by themselves. */
function wordsFor(program: string, python?: string): string[] {
  if (extname(program) === '.py') return [python ?? (process.platform === 'win32' ? 'python' : 'python3'), program]
  return [program]
}

/**
 * Returns the Python interpreter that `python:` of a method file names: the path of an interpreter or of a virtual
 * environment, or a name such as `python3.12`.
 */
function interpreterAt(python: string, at: (name: string) => string, source: string): string {
  const found = statIfThere(at(python))
  if (found === undefined && !/[/\\]/.test(python) && !python.startsWith('.')) return python
  if (found?.isFile()) return at(python)
  const inside = ['bin/python', 'Scripts/python.exe']
    .map((name) => join(at(python), name))
    .find((path) => existsSync(path))
  if (inside !== undefined) return inside
  const expected = 'expected an interpreter or the folder of a virtual environment'
  throw new BenchError('missing', `${source}: python: ${python}: there is no interpreter at ${at(python)}; ${expected}`)
}

/**
 * Returns the environment variables of a program: the given ones, and those by which Python hashes alike in every run,
 * writes UTF-8, and finds the client.
 */
function environmentOf(given: Readonly<Record<string, string>>): Record<string, string> {
  const paths = [given.PYTHONPATH ?? process.env.PYTHONPATH ?? '', CLIENT_FOLDER].filter((path) => path !== '')
  return {
    PYTHONHASHSEED: '0',
    PYTHONUNBUFFERED: '1',
    PYTHONIOENCODING: 'utf-8',
    ...given,
    PYTHONPATH: paths.join(delimiter),
  }
}

/**
 * Starts a program, asks it to describe itself, and ends it.
 * @param given declarations of the method file, which replace those of the program
 */
async function describe(source: string, command: ProgramCommand, given: object = {}) {
  const program = new Program(source, command)
  try {
    await program.send({ type: 'describe', protocol: PROTOCOL })
    const message = await program.next()
    const parsed = programMessage.safeParse(message)
    if (parsed.success && parsed.data.type === 'error')
      throw new BenchError('failed', `${source}: ${parsed.data.message}`)
    checkProtocol(source, message)
    if (!parsed.success) throw new BenchError('bad-input', `${source}: its description: ${problemIn(parsed.error)}`)
    if (parsed.data.type !== 'method') {
      throw new BenchError('bad-input', `${source} answered describe with ${parsed.data.type}; expected method`)
    }
    const { type, protocol, language, interpreter, ...declared } = parsed.data
    return {
      declared: { ...declared, ...given } as Declaration,
      interpreter: language,
      command: startedBy(command, interpreter),
    }
  } finally {
    await program.end()
  }
}

/**
 * Returns the command with the path of the interpreter that has answered, in place of a name on the PATH. The name may
 * be that of a script (a shim of pyenv or conda) that starts the interpreter, which can take longer than Python itself.
 */
function startedBy(command: ProgramCommand, interpreter: string | undefined): ProgramCommand {
  const [word, ...others] = command.words
  const isName = /^python[\d.]*$/.test(word)
  if (!isName || interpreter === undefined || !isAbsolute(interpreter) || !existsSync(interpreter)) return command
  return { ...command, words: [interpreter, ...others] }
}

/**
 * Checks the version of the message protocol that a message states. @throws BenchError `unsupported` for another
 * version
 */
export function checkProtocol(name: string, message: { readonly protocol?: unknown }): void {
  const { protocol } = message
  if (protocol === undefined || protocol === PROTOCOL) return
  const newer = typeof protocol === 'number' && protocol > PROTOCOL
  const remedy = newer ? 'update nas-bench-harness' : 'use the nas_bench_client.py of this package'
  throw new BenchError('unsupported', `${name} speaks version ${protocol} of the messages, not ${PROTOCOL}; ${remedy}`)
}

/** Endings of files that count as source files of a program. */
const SOURCES = /\.(py|pyx|pxd|sh|c|cc|cpp|cu|cuh|h|hpp|rs|go|java|jl|r|lua|js|mjs|cjs|ts|mts)$/i
/** Folders that contain no source files of the program itself. */
const SKIPPED: ReadonlySet<string> = new Set(['node_modules', '__pycache__', 'site-packages'])

/** Returns the name of a program or method file with the hash of its source files: `search.py@sha256:…`. */
function originOf(path: string, files: readonly string[] | undefined, { words }: ProgramCommand): string {
  const folder = dirname(path)
  const listed = (files ?? []).flatMap((name) => filesAt(resolve(folder, name), name, folder))
  const found = files === undefined ? sourceFiles(folder) : listed
  const others = [...new Set(found)].filter((file) => file !== path).sort()
  const most = limitOf('program-files')
  if (others.length > most) {
    throw beyondLimit(
      'program-files',
      `${path} has more than ${most} source files beside it`,
      'name those that matter under files:',
    )
  }
  const hash = createHash('sha256').update(readFileSync(path))
  for (const file of others) {
    hash.update(`\0${relative(folder, file).replaceAll(sep, '/')}\0`).update(readFileSync(file))
  }
  // The interpreter may lie elsewhere on another machine; the arguments of the program belong to the method.
  if (IS_YAML.test(path)) hash.update(`\0${JSON.stringify(words.slice(1).map((word) => relative(folder, word)))}`)
  return `${basename(path)}@sha256:${hash.digest('hex')}`
}

function filesAt(path: string, name: string, folder: string): string[] {
  const found = statIfThere(path)
  if (found === undefined)
    throw new BenchError('missing', `files: ${name}: there is no ${path}; paths are relative to ${folder}`)
  if (!found.isDirectory()) return [path]
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !join(entry.parentPath, entry.name).includes('__pycache__'))
    .map((entry) => join(entry.parentPath, entry.name))
}

/**
 * Returns the source files in a folder and its sub-folders, without hidden folders, virtual environments, packages and
 * stores of runs.
 */
function sourceFiles(folder: string): string[] {
  const most = limitOf('program-files')
  const found: string[] = []
  const folders = [folder]
  for (const each of folders) {
    if (found.length > most || folders.length > most) break
    for (const entry of readdirSync(each, { withFileTypes: true })) {
      const path = join(each, entry.name)
      if (entry.name.startsWith('.')) continue
      if (entry.isDirectory()) {
        const isSkipped =
          SKIPPED.has(entry.name) || existsSync(join(path, 'pyvenv.cfg')) || existsSync(join(path, 'run.json'))
        if (!isSkipped) folders.push(path)
      } else if (SOURCES.test(entry.name) && statSync(path).isFile()) found.push(path)
    }
  }
  return found
}

/** Returns the zod schema of a method's options, which accepts texts, as users type them. */
export function optionSchema(options: Declaration['options'], source: string): Record<string, z.ZodType> {
  return Object.fromEntries(
    Object.entries(options).map(([name, given]) => {
      const declared: DeclaredOption =
        typeof given === 'object' && given !== null ? given : { default: given, description: '' }
      const schema = valueSchema(declared)
      const { default: value, description = '' } = declared
      if (value !== null && !schema.safeParse(value).success) {
        throw new BenchError('bad-input', `${source}: option ${name}: its default ${value} is not one of its values`)
      }
      const whole = value === null ? schema.nullable().default(null) : schema.default(value as never)
      return [name, whole.describe(description)]
    }),
  )
}

function valueSchema({ type, default: value, choices, min, max }: DeclaredOption): z.ZodType {
  if (choices !== undefined) {
    const typed = (text: unknown) => choices.find((choice) => String(choice) === String(text)) ?? text
    return z.preprocess(typed, z.literal(choices as [string | number, ...(string | number)[]]))
  }
  const kind = type ?? (typeof value === 'string' || value === null ? 'text' : typeof value)
  if (kind === 'text') return z.union([z.string(), z.number().transform(String)])
  if (kind === 'boolean') return z.union([z.boolean(), z.stringbool()])
  const base = kind === 'integer' ? z.number().int() : z.number()
  const low = min === undefined ? base : base.min(min)
  const bounded = max === undefined ? low : low.max(max)
  const numberOf = (text: unknown) =>
    typeof text === 'string' ? (text.trim() === '' ? Number.NaN : Number(text)) : text
  return z.preprocess(numberOf, bounded)
}
