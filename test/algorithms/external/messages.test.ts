/** The published JSON schema of the messages is the one that the harness reads with. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { harnessMessage, programMessage } from '../../../src/algorithms/external/messages.ts'

const FILE = join(import.meta.dirname, '../../../docs/external-methods.schema.json')

test('docs/external-methods.schema.json has every message in both directions (WRITE_SCHEMA=1 writes it)', () => {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Messages between nas-bench-harness and a method that is a program, version 1',
    $defs: Object.fromEntries(
      Object.entries({ fromProgram: programMessage, toProgram: harnessMessage }).map(([name, messages]) => {
        const { $schema, ...rest } = z.toJSONSchema(messages, { io: 'input' })
        return [name, rest]
      }),
    ),
    oneOf: [{ $ref: '#/$defs/fromProgram' }, { $ref: '#/$defs/toProgram' }],
  }
  const text = `${JSON.stringify(schema, null, 2)}\n`
  if (process.env.WRITE_SCHEMA) writeFileSync(FILE, text)
  expect(JSON.parse(readFileSync(FILE, 'utf8'))).toEqual(JSON.parse(text))
})
