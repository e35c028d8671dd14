/**
 * The built-in algorithms, in the order of `bench list algos`: gradient-based, weight-sharing, black-box, by
 * training-free scores, references.
 */
import type { Algorithm } from '../core/algorithm.ts'
import { betaDarts } from './betaDarts.ts'
import { bohb } from './bohb.ts'
import { dartsV1, dartsV2 } from './darts.ts'
import { dartsMinus } from './dartsMinus.ts'
import { dartsPlus } from './dartsPlus.ts'
import { dartsPt } from './dartsPt.ts'
import { dDarts } from './dDarts.ts'
import { drnas } from './drnas.ts'
import { dropNas } from './dropNas.ts'
import { dsnas } from './dsnas.ts'
import { enas } from './enas.ts'
import { fairDarts } from './fairDarts.ts'
import { gaea } from './gaea.ts'
import { gdas } from './gdas.ts'
import { idarts } from './idarts.ts'
import { lambdaDarts } from './lambdaDarts.ts'
import { localSearch } from './localSearch.ts'
import { nasp } from './nasp.ts'
import { oles } from './oles.ts'
import { parsec } from './parsec.ts'
import { pcDarts } from './pcDarts.ts'
import { pDarts } from './pDarts.ts'
import { proxylessNas } from './proxylessNas.ts'
import { randomSearch } from './randomSearch.ts'
import { rDarts } from './rDarts.ts'
import { genotype, optimal, resnet } from './references.ts'
import { regularisedEvolution } from './regularisedEvolution.ts'
import { reinforce } from './reinforce.ts'
import { rsps } from './rsps.ts'
import { knas, scoreSearch } from './scoreSearch.ts'
import { sdartsAdv } from './sdartsAdv.ts'
import { sdartsRs } from './sdartsRs.ts'
import { setn } from './setn.ts'
import { withStages } from './shared/stages.ts'
import { snas } from './snas.ts'
import { teNas } from './teNas.ts'
import { multiDarts, zenDarts } from './zenDarts.ts'
import { zenNas } from './zenNas.ts'

/** All built-in algorithms by the name typed after `--algo`. */
export const builtinAlgorithms = {
  'darts-v1': withStages(dartsV1),
  'darts-v2': withStages(dartsV2),
  drnas: withStages(drnas),
  'pc-darts': withStages(pcDarts),
  'darts-minus': withStages(dartsMinus),
  gaea: withStages(gaea),
  oles: withStages(oles),
  'sdarts-adv': withStages(sdartsAdv),
  'lambda-darts': withStages(lambdaDarts),
  'beta-darts': withStages(betaDarts),
  'sdarts-rs': withStages(sdartsRs),
  'fair-darts': withStages(fairDarts, ['threshold']),
  'd-darts': dDarts,
  'darts-pt': dartsPt,
  'darts-plus': withStages(dartsPlus, [], ['earlyStop']),
  'r-darts': rDarts,
  idarts: withStages(idarts),
  nasp: withStages(nasp, [], ['select']),
  parsec: withStages(parsec),
  'p-darts': pDarts,
  'multi-darts': withStages(multiDarts),
  'zen-darts': withStages(zenDarts),
  gdas: withStages(gdas),
  snas: withStages(snas),
  dsnas: withStages(dsnas),
  dropnas: withStages(dropNas),
  proxylessnas: withStages(proxylessNas),
  rsps,
  setn,
  enas,
  random: randomSearch,
  rea: regularisedEvolution,
  reinforce,
  bohb,
  'local-search': localSearch,
  'score-search': scoreSearch,
  'zen-nas': zenNas,
  'te-nas': teNas,
  knas,
  resnet,
  genotype,
  optimal,
} satisfies Record<string, Algorithm>
