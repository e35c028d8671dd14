/**
 * The mutants of a source file: small wrong changes of its code, each of which a test should notice. They are found in the
 * syntax tree, so types, comments and texts are never changed, nor is what only makes up an error message.
 */
import { parseAst } from 'vitest/node'

/** Operator and what replaces it, one mutant for each. */
const OPERATORS = {
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
  '**': ['*'],
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '===': ['!=='],
  '!==': ['==='],
  '&': ['|'],
  '|': ['&'],
  '<<': ['>>'],
  '>>': ['<<'],
  '>>>': ['<<'],
  '&&': ['||'],
  '||': ['&&'],
  '+=': ['-='],
  '-=': ['+='],
  '*=': ['/='],
  '/=': ['*='],
}

/** Methods that leave the meaning of an expression type-correct when their call is dropped: `list.sort()` → `list`. */
const DROPPED_METHODS = [
  'sort',
  'toSorted',
  'reverse',
  'toReversed',
  'slice',
  'filter',
  'flat',
  'subarray',
  'trim',
  'normalize',
]

/** Method or function of `Math` and the one that replaces it. */
const SWAPPED = { some: 'every', every: 'some', min: 'max', max: 'min', floor: 'ceil', ceil: 'floor', find: 'findLast' }

/** Functions of `Math` whose argument takes the place of the call: `Math.abs(x)` → `x`. */
const DROPPED_MATH = ['abs', 'round', 'sqrt', 'log', 'log2', 'log10', 'exp', 'fround', 'sign', 'trunc', 'hypot']

/** Nodes with a TypeScript name that contain an expression; all others are types, which are never changed. */
const TYPED_EXPRESSIONS = ['TSAsExpression', 'TSNonNullExpression', 'TSSatisfiesExpression', 'TSTypeAssertion']

/**
 * Returns the mutants of a file: the range of characters, what replaces it, and the kind of change.
 *
 * @throws Error if the file is not TypeScript
 */
export function candidatesOf(path, source) {
  const program = parseAst(source, { lang: 'ts', preserveParens: true }, path)
  const found = []
  const text = (node) => source.slice(node.start, node.end)
  const add = (kind, node, replacement) => found.push({ kind, start: node.start, end: node.end, replacement })

  const visit = (node, parent, key) => {
    if (!node || typeof node.type !== 'string') return
    if (node.type.startsWith('TS') && !TYPED_EXPRESSIONS.includes(node.type)) return
    if (node.type === 'ImportDeclaration' || node.type === 'ExportAllDeclaration' || isMessage(node)) return
    mutate(node, parent, key)
    for (const [name, child] of Object.entries(node)) {
      if (name === 'type' || name === 'typeAnnotation' || name === 'typeArguments') continue
      for (const each of Array.isArray(child) ? child : [child])
        if (each && typeof each === 'object') visit(each, node, name)
    }
  }

  const mutate = (node, parent, key) => {
    switch (node.type) {
      case 'BinaryExpression':
      case 'LogicalExpression':
      case 'AssignmentExpression': {
        if (node.operator === '??') add('fallback dropped', node, text(node.left))
        if (node.operator === '+' && (isText(node.left) || isText(node.right))) return
        const [left, right] = [text(node.left), text(node.right)]
        const between = source.slice(node.left.end, node.right.start)
        for (const operator of OPERATORS[node.operator] ?? [])
          add('operator', node, `${left}${between.replace(node.operator, operator)}${right}`)
        return
      }
      case 'IfStatement':
      case 'ConditionalExpression':
        return add('condition negated', node.test, `!(${text(node.test)})`)
      case 'UnaryExpression':
        if (node.operator === '!' || node.operator === '-' || node.operator === '~')
          if (node.argument.type !== 'Literal') add('unary operator dropped', node, text(node.argument))
        return
      case 'Literal':
        if (typeof node.value === 'boolean') add('boolean flipped', node, String(!node.value))
        if (typeof node.value !== 'number' || isName(parent, key)) return
        return add('number', node, Number.isInteger(node.value) ? String(node.value + 1) : String(node.value * 2))
      case 'UpdateExpression':
        if (parent.type === 'ForStatement') return
        return add('operator', node, text(node).replace(node.operator, node.operator === '++' ? '--' : '++'))
      case 'ExpressionStatement':
        if (
          node.directive ||
          !['CallExpression', 'AwaitExpression', 'AssignmentExpression'].includes(node.expression.type)
        )
          return
        if (/^(super|console\.)/.test(text(node))) return
        return add('statement removed', node.expression, 'undefined')
      case 'ReturnStatement':
        return returned(node.argument)
      case 'ArrowFunctionExpression':
        return node.body.type === 'BlockStatement' ? undefined : returned(node.body)
      case 'CallExpression':
        return call(node, parent)
    }
  }

  const returned = (value) => {
    if (!value) return
    if (value.type === 'ArrayExpression' && value.elements.length > 0) add('returned list emptied', value, '[]')
    // The compiler refuses these where the value is not a number.
    if (['Identifier', 'CallExpression', 'MemberExpression'].includes(value.type))
      add('returned number changed', value, `2 * (${text(value)}) + 1`)
  }

  const call = (node, parent) => {
    const { callee, arguments: given } = node
    if (callee.type !== 'MemberExpression' || callee.computed || node.optional || callee.optional) return
    // Within `a?.b.c()` the parts after `?.` are skipped together, so none of them is replaced alone.
    if (parent.type === 'ChainExpression' || (parent.type === 'MemberExpression' && text(parent).includes('?.'))) return
    const name = callee.property.name
    const isMath = callee.object.type === 'Identifier' && callee.object.name === 'Math'
    if (SWAPPED[name] && (isMath || !['min', 'max', 'floor', 'ceil'].includes(name)))
      add(
        'function swapped',
        node,
        `${source.slice(node.start, callee.property.start)}${SWAPPED[name]}${source.slice(callee.property.end, node.end)}`,
      )
    if (isMath && DROPPED_MATH.includes(name) && given.length === 1) add('call dropped', node, text(given[0]))
    if (!isMath && DROPPED_METHODS.includes(name)) add('call dropped', node, text(callee.object))
  }

  visit(program, undefined, undefined)
  return found
}

/** Whether a node is only what an error says. */
const isMessage = (node) =>
  node.type === 'ThrowStatement' || (node.type === 'NewExpression' && /Error$/.test(node.callee.name ?? ''))

/** Whether an expression is certainly a text, which `+` joins. */
const isText = (node) =>
  node.type === 'TemplateLiteral' ||
  (node.type === 'Literal' && typeof node.value === 'string') ||
  (node.type === 'BinaryExpression' && node.operator === '+' && (isText(node.left) || isText(node.right)))

/** Whether a literal is the name of a member and not a value. */
const isName = (parent, key) => key === 'key' && !parent.computed

/**
 * Returns a source with mutants that are switched on at run time, one at a time: each changed expression becomes
 * `mutant$(isOn$(id) ? (changed) : (original))`. The types of the result are not right, its behaviour is.
 *
 * @param mutants with `id`, `start`, `end` and `replacement`
 * @param runtime path of the module that says which mutant is on (`switch.mjs`)
 */
export function withSwitches(source, mutants, runtime) {
  const ordered = [...mutants].sort((a, b) => a.start - b.start || b.end - a.end || a.id - b.id)
  const render = (start, end, inside) => {
    let [text, at] = ['', start]
    for (let i = 0; i < inside.length; ) {
      const mutant = inside[i]
      const within = []
      for (i++; i < inside.length && inside[i].start < mutant.end; i++) within.push(inside[i])
      const original = render(mutant.start, mutant.end, within)
      text += source.slice(at, mutant.start)
      text += `mutant$(isOn$(${mutant.id}) ? (${mutant.replacement}) : (${original}))`
      at = mutant.end
    }
    return text + source.slice(at, end)
  }
  return `import { isOn$, mutant$ } from ${JSON.stringify(runtime)};${render(0, source.length, ordered)}`
}
