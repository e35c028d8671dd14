/**
 * Mutation testing: changes the program in small wrong ways, one at a time, and counts the changes that some test notices.
 *
 *     npm run mutants -- --sample 300 --seed 1
 *
 * The mutants are drawn by seed from the folders that compute and report numbers, and written into a copy of the tree, where
 * each can be switched on by an environment variable: so the copy is built once, and worker processes have the same mutant.
 * The compiler sees each mutant first; one that it refuses is counted apart and another is drawn. Then each test file runs
 * once to record which mutants it reaches. A mutant is killed when a test file that reaches it fails; the closest and fastest
 * files come first.
 *
 * All is kept in the folder of the copy. A second call with the same folder goes on where the first ended; with tests that
 * changed since, it runs these on the mutants that survived.
 */
import { execFileSync, fork, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { candidatesOf, withSwitches } from './candidates.mjs'

const HELP = `Usage: npm run mutants -- [options]

  --sample N      how many mutants are drawn (default 300)
  --seed TEXT     which (default 1)
  --within LIST   folders and files of src, separated by commas
                  (default algorithms,analysis,tables,runner,report/comparison)
  --folder PATH   where the copy and the results are (default: in the folder for temporary files)
  --budget S      seconds of tests that a mutant may survive before it counts as a survivor (default 180)
  --only LIST     numbers of the mutants that are run, separated by commas (default: all that are not killed yet)
  --close         run only the tests in the folders of the mutants, not the rest

A mutant may delete files or end processes that the program would not: run it in a container, or as a user of its own.

Examples:
  npm run mutants -- --sample 300 --seed 1
  npm run mutants -- --sample 20 --within analysis/statistics --close`

const ROOT = join(import.meta.dirname, '../..')
const { values } = parseArgs({
  options: {
    sample: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
    within: { type: 'string', default: 'algorithms,analysis,tables,runner,report/comparison' },
    folder: { type: 'string' },
    budget: { type: 'string', default: '180' },
    only: { type: 'string' },
    close: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(HELP)
  process.exit()
}
for (const name of ['sample', 'budget'])
  if (!(Number.isInteger(Number(values[name])) && Number(values[name]) > 0)) {
    console.error(`--${name} ${values[name]} is not a positive whole number`)
    process.exit(2)
  }
const only = values.only?.split(',').map(Number)
const within = values.within.split(',')
const FOLDER = resolve(values.folder ?? join(tmpdir(), `nas-bench-mutants-${values.seed}`))
const TREE = join(FOLDER, 'tree')
/** This tool's files in the copy, which the tests load. */
const TOOL = join(TREE, 'lint/mutants')
const file = (name) => join(FOLDER, name)
const hash = (text) => createHash('sha256').update(text).digest('hex')
const readJson = (path, otherwise) => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : otherwise)
const writeJson = (path, value) => writeFileSync(path, `${JSON.stringify(value, null, 1)}\n`)
const filesIn = (folder, ending) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .sort()
/** Begins the failure of a test file that was ended. */
const TOO_LONG = 'did not end within'
const log = (text) => console.log(`${new Date().toTimeString().slice(0, 8)} ${text}`)

/* ---- the copy and the mutants ---- */

/** Copies the files that git does not ignore and the installed packages, and builds the copy. */
function copyTree() {
  const tracked = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' })
    .trim()
    .split('\n')
  for (const path of tracked) if (existsSync(join(ROOT, path))) cpSync(join(ROOT, path), join(TREE, path))
  // Not a link: the packages would lie outside the copy, where errors of the program and of others are told apart.
  cpSync(join(ROOT, 'node_modules'), join(TREE, 'node_modules'), { recursive: true, verbatimSymlinks: true })
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: TREE, stdio: 'inherit' })
}

/** Returns every mutant of the chosen folders, in an order that depends on the seed alone. */
function shuffledCandidates() {
  const files = filesIn(join(TREE, 'src'), '.ts').filter((name) =>
    within.some((part) => name === part || name.startsWith(`${part}/`)),
  )
  const all = files.flatMap((name) => {
    const source = readFileSync(join(TREE, 'src', name), 'utf8')
    return candidatesOf(name, source).map((mutant) => ({
      file: name,
      line: source.slice(0, mutant.start).split('\n').length,
      original: source.slice(mutant.start, mutant.end),
      ...mutant,
    }))
  })
  const rank = (mutant) => hash(`${values.seed} ${mutant.file} ${mutant.start} ${mutant.end} ${mutant.replacement}`)
  return all
    .map((mutant) => ({ mutant, rank: rank(mutant) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .map(({ mutant }) => mutant)
}

/** Returns the files in which the compiler finds errors, relative to `src`, when some sources are replaced. */
function refusedFiles(mutants) {
  const originals = mutants.map(({ file }) => readFileSync(join(TREE, 'src', file), 'utf8'))
  for (const [index, { file, start, end, replacement }] of mutants.entries()) {
    const source = originals[index]
    writeFileSync(join(TREE, 'src', file), `${source.slice(0, start)}(${replacement})${source.slice(end)}`)
  }
  const { stdout } = spawnSync(
    process.execPath,
    [
      join(ROOT, 'node_modules/typescript/bin/tsc'),
      '-p',
      'tsconfig.build.json',
      '--noEmit',
      '--pretty',
      'false',
      '--tsBuildInfoFile',
      file('check.tsbuildinfo'),
    ],
    { cwd: TREE, encoding: 'utf8' },
  )
  for (const [index, { file }] of mutants.entries()) writeFileSync(join(TREE, 'src', file), originals[index])
  return new Set([...stdout.matchAll(/^src\/(.+?)\(\d+,\d+\): error/gm)].map((match) => match[1]))
}

/** Returns the mutants that the compiler accepts, of several in different files. */
function acceptedBy(mutants) {
  const bad = refusedFiles(mutants)
  const rest = mutants.filter(({ file }) => !bad.has(file))
  const isElsewhere = [...bad].some((name) => !mutants.some(({ file }) => file === name))
  if (!isElsewhere || rest.length === 0) return rest
  if (mutants.length === 1) return []
  // An error in a file without a mutant: of one of those whose own file has none, if not of one already refused.
  if (rest.length < mutants.length) return acceptedBy(rest)
  const half = Math.ceil(mutants.length / 2)
  return [...acceptedBy(mutants.slice(0, half)), ...acceptedBy(mutants.slice(half))]
}

/** Draws mutants that the compiler accepts; several are checked at once, at most one in a file. */
function drawMutants() {
  const waiting = shuffledCandidates()
  const total = waiting.length
  const drawn = []
  let refused = 0
  while (drawn.length < Number(values.sample) && waiting.length > 0) {
    const batch = []
    for (let i = 0; i < waiting.length && batch.length < 60 && i < 400; )
      if (batch.some(({ file }) => file === waiting[i].file)) i++
      else batch.push(...waiting.splice(i, 1))
    const accepted = acceptedBy(batch)
    refused += batch.length - accepted.length
    drawn.push(...accepted)
    log(`${drawn.length} mutants drawn; ${refused} refused by the compiler`)
  }
  return {
    seed: values.seed,
    within,
    total,
    refused,
    mutants: drawn.slice(0, Number(values.sample)).map((mutant, id) => ({ id, ...mutant })),
  }
}

/** Writes the mutants into the sources of the copy, and builds it. */
function plant({ mutants }) {
  const byFile = Map.groupBy ? Map.groupBy(mutants, (mutant) => mutant.file) : new Map()
  if (!Map.groupBy) for (const mutant of mutants) byFile.set(mutant.file, [...(byFile.get(mutant.file) ?? []), mutant])
  for (const [name, own] of byFile) {
    const path = join(TREE, 'src', name)
    writeFileSync(path, withSwitches(readFileSync(path, 'utf8'), own, join(TOOL, 'switch.mjs')))
  }
  // The compiler finds the types of the switches wrong, and writes the program all the same.
  spawnSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
    cwd: TREE,
  })
  spawnSync(process.execPath, ['build.mjs'], { cwd: TREE })
  markAsBuilt()
}

/** Keeps the tests from building the copy again. */
function markAsBuilt() {
  writeFileSync(join(TREE, 'dist/.tsbuildinfo'), '')
  const later = new Date(Date.now() + 1000)
  utimesSync(join(TREE, 'dist/.tsbuildinfo'), later, later)
}

/* ---- running tests ---- */

/** Vitest in a process of its own, started again after each file that did not end in time. */
let host
async function runTest(testFile, mutant, reached, limit) {
  host ??= await new Promise((ready) => {
    const child = fork(join(TOOL, 'host.mjs'), [TREE, join(TOOL, 'setTest.mjs')], {
      cwd: TREE,
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { ...process.env, NODE_OPTIONS: '--max-old-space-size=3000' },
    })
    child.once('message', () => ready(child))
  })
  const child = host
  return await new Promise((done) => {
    const end = (answer) => {
      clearTimeout(timer)
      child.removeAllListeners()
      done(answer)
    }
    const timer = setTimeout(() => {
      host = undefined
      end({ ok: false, seconds: limit, failure: `${TOO_LONG} ${Math.round(limit)} s` })
      process.kill(-child.pid, 'SIGKILL')
    }, limit * 1000)
    child.once('message', end)
    child.once('exit', () => {
      host = undefined
      end({ ok: false, seconds: 0, failure: 'vitest ended' })
    })
    child.send({ file: join(TREE, 'test', testFile), mutant, reached })
  })
}

/** Runs each test file once without a mutant, and records how long it takes and which mutants it reaches. */
async function recordReached(testFiles, known) {
  for (const [index, name] of testFiles.entries()) {
    const version = hash(readFileSync(join(TREE, 'test', name)))
    if (known[name]?.version === version) continue
    rmSync(file('reached'), { force: true })
    const { ok, seconds, failure } = await runTest(name, -1, file('reached'), 600)
    const lines = existsSync(file('reached')) ? readFileSync(file('reached'), 'utf8').split('\n') : []
    const ids = [
      ...new Set(lines.filter((line) => line.endsWith(`test/${name}`)).map((line) => Number.parseInt(line, 10))),
    ]
    known[name] = { version, ok, seconds, failure, reached: ids.sort((a, b) => a - b) }
    writeJson(file('tests.json'), known)
    log(
      `test ${index + 1} of ${testFiles.length}: ${name}: ${seconds.toFixed(1)} s, reaches ${ids.length} mutants${ok ? '' : `; not used: fails without a mutant: ${failure}`}`,
    )
  }
}

/** How far a test file is from a source file: 0 for its own test, 1 in the same folder, 2 in the same room, 3 elsewhere. */
function distance(testFile, source) {
  const [test, code] = [testFile.replace(/\.test\.ts$/, ''), source.replace(/\.ts$/, '')]
  if (test === code) return 0
  const folder = (path) => path.slice(0, path.lastIndexOf('/'))
  if (folder(test) === folder(code)) return 1
  return test.split('/')[0] === code.split('/')[0] ? 2 : 3
}

/** Runs the tests that reach a mutant until one fails, and returns the result with the versions of the tests that ran. */
async function judge(mutant, known, before) {
  const survivedTests = { ...before?.survived }
  let spent = Object.keys(survivedTests).reduce((sum, name) => sum + (known[name]?.seconds ?? 0), 0)
  const tests = Object.entries(known)
    .filter(([, test]) => test.ok && test.reached.includes(mutant.id))
    .map(([name, test]) => ({ name, ...test, distance: distance(name, mutant.file) }))
    .sort((a, b) => a.distance - b.distance || a.seconds - b.seconds)
  for (const test of tests) {
    if (survivedTests[test.name] === test.version) continue
    if (spent > 0 && spent + test.seconds > Number(values.budget)) continue
    const { ok, failure } = await runTest(test.name, mutant.id, undefined, 20 + 6 * test.seconds)
    if (!ok) {
      const status = failure.startsWith(TOO_LONG) ? 'timed out' : 'killed'
      return { id: mutant.id, status, by: test.name, failure, survived: survivedTests }
    }
    survivedTests[test.name] = test.version
    spent += test.seconds
  }
  return { id: mutant.id, status: tests.length === 0 ? 'not reached' : 'survived', survived: survivedTests }
}

/** Judges each mutant that is not killed yet; results are added to `results.jsonl`, of which the last line of a mutant counts. */
async function judgeAll(mutants, known) {
  for (const [index, mutant] of mutants.entries()) {
    const before = results().get(mutant.id)
    if (before?.status === 'killed' || before?.status === 'timed out' || only?.includes(mutant.id) === false) continue
    const result = await judge(mutant, known, before)
    writeFileSync(file('results.jsonl'), `${JSON.stringify(result)}\n`, { flag: 'a' })
    const { kind, file: source, line } = mutant
    log(
      `${index + 1} of ${mutants.length}: ${result.status}: ${source}:${line} ${kind}${result.by ? ` by ${result.by}` : ''}`,
    )
  }
}

function results() {
  const lines = existsSync(file('results.jsonl')) ? readFileSync(file('results.jsonl'), 'utf8').trim().split('\n') : []
  return new Map(lines.map((line) => JSON.parse(line)).map((result) => [result.id, result]))
}

/** Prints how many mutants were killed, and each that was not. */
function summarize({ mutants, refused, total }) {
  const all = results()
  const of = (...statuses) => mutants.filter(({ id }) => statuses.includes(all.get(id)?.status))
  const [killed, timedOut, alive] = [of('killed'), of('timed out'), of('survived', 'not reached')]
  for (const { id, file, line, kind, original, replacement } of alive.sort((a, b) => (a.file < b.file ? -1 : 1)))
    console.log(`#${id} src/${file}:${line} ${kind}, ${all.get(id).status}\n  - ${original}\n  + ${replacement}`)
  const share = ((100 * (killed.length + timedOut.length)) / mutants.length).toFixed(1)
  console.log(
    `${mutants.length} of ${total} possible mutants: ${killed.length} killed by a failing test, ${timedOut.length} by not ` +
      `ending in time (together ${share} %), ${of('survived').length} survived, ${of('not reached').length} reached by no test. ` +
      `${refused} more were refused by the compiler.`,
  )
}

mkdirSync(FOLDER, { recursive: true })
let campaign = readJson(file('mutants.json'))
if (campaign === undefined) {
  rmSync(TREE, { recursive: true, force: true })
  mkdirSync(TREE)
  copyTree()
  campaign = drawMutants()
  plant(campaign)
  writeJson(file('mutants.json'), campaign)
} else {
  // The sources stay as they were drawn from; the tests are those of now.
  for (const name of ['test', 'lint']) {
    rmSync(join(TREE, name), { recursive: true, force: true })
    cpSync(join(ROOT, name), join(TREE, name), { recursive: true })
  }
  markAsBuilt()
}
const known = readJson(file('tests.json'), {})
const testFiles = filesIn(join(TREE, 'test'), '.test.ts')
for (const name of Object.keys(known)) if (!testFiles.includes(name)) delete known[name]
const roomOf = (path) => path.split('/')[0]
for (const room of new Set(within.map(roomOf))) {
  await recordReached(
    testFiles.filter((name) => roomOf(name) === room),
    known,
  )
  await judgeAll(
    campaign.mutants.filter((mutant) => roomOf(mutant.file) === room),
    known,
  )
}
if (!values.close) {
  await recordReached(testFiles, known)
  await judgeAll(campaign.mutants, known)
}
host?.disconnect()
summarize(campaign)
