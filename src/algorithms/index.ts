/**
 * The built-in algorithms, in the order of `bench list algos`: gradient-based, weight-sharing, black-box, references.
 */
import type { Algorithm } from '../core/algorithm.ts'
import { betaDarts } from './betaDarts.ts'
import { bohb } from './bohb.ts'
import { dartsV1, dartsV2 } from './darts.ts'
import { dartsMinus } from './dartsMinus.ts'
import { drnas } from './drnas.ts'
import { dsnas } from './dsnas.ts'
import { enas } from './enas.ts'
import { gaea } from './gaea.ts'
import { gdas } from './gdas.ts'
import { localSearch } from './localSearch.ts'
import { oles } from './oles.ts'
import { pcDarts } from './pcDarts.ts'
import { randomSearch } from './randomSearch.ts'
import { genotype, optimal, resnet } from './references.ts'
import { regularisedEvolution } from './regularisedEvolution.ts'
import { reinforce } from './reinforce.ts'
import { rsps } from './rsps.ts'
import { sdartsAdv } from './sdartsAdv.ts'
import { sdartsRs } from './sdartsRs.ts'
import { setn } from './setn.ts'
import { snas } from './snas.ts'
import { multiDarts, zenDarts } from './zenDarts.ts'

/** All built-in algorithms by the name typed after `--algo`. */
export const builtinAlgorithms = {
  'darts-v1': dartsV1,
  'darts-v2': dartsV2,
  drnas,
  'pc-darts': pcDarts,
  'darts-minus': dartsMinus,
  gaea,
  oles,
  'sdarts-adv': sdartsAdv,
  'beta-darts': betaDarts,
  'sdarts-rs': sdartsRs,
  'multi-darts': multiDarts,
  'zen-darts': zenDarts,
  gdas,
  snas,
  dsnas,
  rsps,
  setn,
  enas,
  random: randomSearch,
  rea: regularisedEvolution,
  reinforce,
  bohb,
  'local-search': localSearch,
  resnet,
  genotype,
  optimal,
} satisfies Record<string, Algorithm>
