/**
 * The second step of `npm run build`, after the compiler has written each module of src/ into dist/. Copies the files that
 * are not TypeScript, and replaces the modules with which processes start by joined ones: Node.js needs most of the time of a
 * short command to find and open hundreds of small modules (docs/decisions/0009-joined-modules.md). The other
 * single modules stay, with the types of the package.
 */
import { chmodSync, copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, posix, relative, sep } from 'node:path'
import { rolldown } from 'rolldown'

const ROOT = import.meta.dirname
const [SRC, DIST] = [join(ROOT, 'src'), join(ROOT, 'dist')]

/** The modules with which processes start, and the package's own: without `.ts`, relative to src/. */
const ENTRIES = [
  'cli/main',
  'index',
  'worker',
  'tablebuild/scoreWorker',
  'tablebuild/workerProcess',
  'tables/importers/readWorker',
  'tables/importers/recordWorker',
]

/** Exported names that no variable can have. */
const RESERVED = /^(catch|default|enum|function|import|instanceof|null|undefined|void)$/

/** Folder in dist/ of the modules that several entries or commands share. */
const SHARED = 'joined'

/** Packages of which each becomes one file, which modules import or require: some commands load them only when needed. */
const SINGLE_FILES = ['yaml', 'zod']

/** Packages whose parts that we use become part of the modules. All others are loaded from node_modules as they are. */
const JOINED = ['@bufbuild/protobuf', 'commander', 'simple-statistics']

/** Marks the place of a module's own address in joined code; `renderChunk` knows where that code lies. */
const ADDRESS = '@module-address:'

/** Returns the path of a file in dist/ as a module in another file of dist/ imports it. */
const pathFrom = (importer, file) => {
  const path = posix.relative(posix.dirname(importer), file)
  return path.startsWith('.') ? path : `./${path}`
}

const singleFile = (name, ending = 'cjs') => `${SHARED}/${name}.${ending}`

/**
 * Writes each package of SINGLE_FILES as one CommonJS file for `require`, and a module for `import` that requires it: to find
 * the names that a CommonJS file exports, `import` would read it all, which takes longer than to run it.
 */
async function joinPackages() {
  for (const name of SINGLE_FILES) {
    const names = Object.keys(await import(name)).filter((exported) => !RESERVED.test(exported))
    const entry = `export { ${names.join(', ')} } from '${name}'`
    const build = await rolldown({
      input: 'entry',
      platform: 'node',
      plugins: [
        {
          name: 'entry',
          resolveId: (_, importer) => (importer === undefined ? join(ROOT, 'entry.mjs') : undefined),
          load(id) {
            if (id === join(ROOT, 'entry.mjs')) return entry
            // Of zod's messages in fifty languages, only the English ones are used.
            return id.endsWith('zod/v4/locales/index.js') ? "export { default as en } from './en.js'" : undefined
          },
        },
      ],
    })
    await build.write({
      file: join(DIST, singleFile(name)),
      format: 'cjs',
      exports: 'named',
      minify: { compress: false, mangle: false },
    })
    const values = `createRequire(import.meta.url)('./${name}.cjs')`
    const module = `import { createRequire } from 'node:module'\nexport const { ${names.join(', ')} } = ${values}\n`
    writeFileSync(join(DIST, singleFile(name, 'js')), module)
  }
}

/**
 * Makes `import.meta.url` the address that each module has in dist/ when it is not joined, since files are located
 * relative to it, and names the files of SINGLE_FILES where their packages are imported or required.
 */
const addresses = {
  name: 'addresses',
  transform(code, id) {
    const path = relative(SRC, id).split(sep).join('/')
    if (!code.includes('import.meta.url')) return undefined
    const requires = new RegExp(
      `(require|createRequire\\(import\\.meta\\.url\\))\\('(${SINGLE_FILES.join('|')})'\\)`,
      'g',
    )
    const located = code.replace(requires, (_, before, name) => `${before}('${pathFrom(path, singleFile(name))}')`)
    // `define` below puts this variable in the place of `import.meta.url`.
    return `var moduleAddress = '${ADDRESS}${path.replace(/ts$/, 'js')}'; ${located}`
  },
  renderChunk(code, { fileName }) {
    // Of the chunk's own imports, which rolldown writes with double quotes; templates of plugins have others.
    const imports = new RegExp(`^(import .* from )"(${SINGLE_FILES.join('|')})";$`, 'gm')
    return code
      .replace(imports, (_, before, name) => `${before}"${pathFrom(fileName, singleFile(name, 'js'))}";`)
      .replace(new RegExp(`"${ADDRESS}(.*?)"`, 'g'), (_, module) => {
        return `new URL("${pathFrom(fileName, module)}", import.meta.url).href`
      })
  },
}

async function joinModules() {
  const build = await rolldown({
    input: Object.fromEntries(ENTRIES.map((entry) => [entry, join(SRC, `${entry}.ts`)])),
    platform: 'node',
    external: (id) => !/^[./]/.test(id) && !JOINED.some((name) => `${id}/`.startsWith(`${name}/`)),
    transform: { define: { 'import.meta.url': 'moduleAddress' } },
    plugins: [addresses],
    onLog: (level, log, print) => log.code !== 'INEFFECTIVE_DYNAMIC_IMPORT' && print(level, log),
  })
  await build.write({
    dir: DIST,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: `${SHARED}/[name]-[hash].js`,
    keepNames: true,
    comments: false,
  })
}

/** Lets the single modules in dist/ load the files of SINGLE_FILES, too, in place of the packages. */
function shareSingleFiles() {
  const loads = new RegExp(`^(import .* from |.*\\brequire\\()'(${SINGLE_FILES.join('|')})'(\\)|;$)`, 'gm')
  for (const file of readdirSync(DIST, { recursive: true }).map((name) => name.split(sep).join('/'))) {
    if (!file.endsWith('.js') || file.startsWith(`${SHARED}/`)) continue
    const code = readFileSync(join(DIST, file), 'utf8')
    const located = code.replace(loads, (_, before, name, after) => {
      return `${before}'${pathFrom(file, singleFile(name, after === ')' ? 'cjs' : 'js'))}'${after}`
    })
    if (located !== code) writeFileSync(join(DIST, file), located)
  }
}

/** Writes the licences of the packages whose code is in dist/. */
function writeLicences() {
  const texts = [...JOINED, ...SINGLE_FILES].map((name) => {
    const folder = join(ROOT, 'node_modules', name)
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const file = join(folder, 'LICENSE')
    return `${name} ${version}: ${license}\n\n${existsSync(file) ? readFileSync(file, 'utf8') : ''}`
  })
  writeFileSync(join(DIST, SHARED, 'LICENSES.txt'), texts.join('\n'))
}

rmSync(join(DIST, SHARED), { recursive: true, force: true })
for (const [folder, ending] of [
  ['engine/wasm/module', '.wasm'],
  ['data/photographs', '.wasm'],
  ['report/page', '.js'],
  ['report/page', '.css'],
])
  for (const file of readdirSync(join(SRC, folder)))
    if (file.endsWith(ending)) copyFileSync(join(SRC, folder, file), join(DIST, folder, file))
await joinPackages()
await joinModules()
shareSingleFiles()
writeLicences()
chmodSync(join(DIST, 'cli/main.js'), 0o755)
