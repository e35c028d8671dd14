/** The separate process in which `readLimited` reads a benchmark file that is to be imported. */
import { openSpaces } from '../../spaces/index.ts'
import { serveLimited } from '../../system/limitedProcess.ts'
import { spaceIndex } from '../spaceIndex.ts'
import type { Imported } from './importParts.ts'
import { type ReadProgress, type ReadRequest, readSource } from './readSource.ts'

const MS_BETWEEN_REPORTS = 100

serveLimited<ReadRequest, ReadProgress, Imported>(async ({ path, space, plugins, ...request }, report) => {
  let last = 0
  return readSource(path, {
    ...request,
    space: spaceIndex((await openSpaces(plugins ?? [])).space(space)),
    onProgress: (done, total) => {
      const now = Date.now()
      if (now - last < MS_BETWEEN_REPORTS) return
      last = now
      report([done, total])
    },
  })
})
