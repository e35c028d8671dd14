/** Architectures of the DARTS space that papers have published, by name, in the Python notation of the papers' code. */
import { unknownName } from '../../core/names.ts'
import type { PublishedArchitecture } from '../../core/space.ts'
import type { DartsArchitecture } from './genotype.ts'
import { format, parse } from './notation.ts'
import { edgesWith, OPERATIONS } from './topology.ts'

/** An architecture of the DARTS space that a paper has published. */
export interface PublishedGenotype {
  /** The paper that published the architecture, and the search in it that found it. */
  readonly source: string
  /** The published architecture as text, in the Python notation of the papers' code. */
  readonly genotype: string
  /** Other names under which the published architecture is known. */
  readonly aliases?: readonly string[]
  /** The dataset on which the published architecture was found; absent: CIFAR-10. */
  readonly searchedOn?: 'imagenet'
}

/** Published architectures of the DARTS space by their name in the papers' code. */
export const PUBLISHED: Readonly<Record<string, PublishedGenotype>> = {
  DARTS_V1: {
    source: 'DARTS, first order (Liu et al., ICLR 2019)',
    genotype: `Genotype(
      normal=[('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 0), ('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 2)],
      reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0), ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('avg_pool_3x3', 0)],
    )`,
  },
  DARTS_V2: {
    source: 'DARTS, second order (Liu et al., ICLR 2019)',
    aliases: ['DARTS'],
    genotype: `Genotype(
      normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)],
      reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)],
    )`,
  },
  GDAS: {
    source: 'GDAS (Dong and Yang, CVPR 2019)',
    aliases: ['GDAS_V1'],
    genotype: `Genotype(
      normal=[('skip_connect', 0), ('skip_connect', 1), ('skip_connect', 0), ('sep_conv_5x5', 2), ('sep_conv_3x3', 3), ('skip_connect', 0), ('sep_conv_5x5', 4), ('sep_conv_3x3', 3)],
      reduce=[('sep_conv_5x5', 0), ('sep_conv_3x3', 1), ('sep_conv_5x5', 2), ('sep_conv_5x5', 1), ('dil_conv_5x5', 2), ('sep_conv_3x3', 1), ('sep_conv_5x5', 0), ('sep_conv_5x5', 1)],
    )`,
  },
  PDARTS: {
    source: 'P-DARTS, searched on CIFAR-10 (Chen et al., ICCV 2019)',
    genotype: `Genotype(
      normal=[('skip_connect', 0), ('dil_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('sep_conv_3x3', 3), ('sep_conv_3x3', 0), ('dil_conv_5x5', 4)],
      reduce=[('avg_pool_3x3', 0), ('sep_conv_5x5', 1), ('sep_conv_3x3', 0), ('dil_conv_5x5', 2), ('max_pool_3x3', 0), ('dil_conv_3x3', 1), ('dil_conv_3x3', 1), ('dil_conv_5x5', 3)],
    )`,
  },
  PCDARTS: {
    source: 'PC-DARTS, searched on CIFAR-10 (Xu et al., ICLR 2020)',
    aliases: ['PC_DARTS', 'PC_DARTS_cifar'],
    genotype: `Genotype(
      normal=[('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 0), ('dil_conv_3x3', 1), ('sep_conv_5x5', 0), ('sep_conv_3x3', 1), ('avg_pool_3x3', 0), ('dil_conv_3x3', 1)],
      reduce=[('sep_conv_5x5', 1), ('max_pool_3x3', 0), ('sep_conv_5x5', 1), ('sep_conv_5x5', 2), ('sep_conv_3x3', 0), ('sep_conv_3x3', 3), ('sep_conv_3x3', 1), ('sep_conv_3x3', 2)],
    )`,
  },
  PCDARTS_IMAGENET: {
    source: 'PC-DARTS, searched on ImageNet (Xu et al., ICLR 2020)',
    searchedOn: 'imagenet',
    aliases: ['PC_DARTS_image'],
    genotype: `Genotype(
      normal=[('skip_connect', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 0), ('skip_connect', 1), ('sep_conv_3x3', 1), ('sep_conv_3x3', 3), ('sep_conv_3x3', 1), ('dil_conv_5x5', 4)],
      reduce=[('sep_conv_3x3', 0), ('skip_connect', 1), ('dil_conv_5x5', 2), ('max_pool_3x3', 1), ('sep_conv_3x3', 2), ('sep_conv_3x3', 1), ('sep_conv_5x5', 0), ('sep_conv_3x3', 3)],
    )`,
  },
  SGAS_CRI1: {
    source: 'SGAS, criterion 1, best of ten searches on CIFAR-10 (Li et al., CVPR 2020)',
    genotype: `Genotype(
      normal=[('sep_conv_3x3', 0), ('dil_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_5x5', 1), ('sep_conv_5x5', 3), ('skip_connect', 0), ('dil_conv_5x5', 2)],
      reduce=[('max_pool_3x3', 0), ('dil_conv_5x5', 1), ('sep_conv_3x3', 0), ('skip_connect', 2), ('sep_conv_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0), ('max_pool_3x3', 1)],
    )`,
  },
  SGAS_CRI2: {
    source: 'SGAS, criterion 2, best of ten searches on CIFAR-10 (Li et al., CVPR 2020)',
    genotype: `Genotype(
      normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 2), ('max_pool_3x3', 0), ('sep_conv_3x3', 3), ('sep_conv_3x3', 2), ('sep_conv_3x3', 3)],
      reduce=[('sep_conv_3x3', 0), ('max_pool_3x3', 1), ('dil_conv_3x3', 0), ('max_pool_3x3', 1), ('max_pool_3x3', 0), ('sep_conv_3x3', 2), ('max_pool_3x3', 0), ('sep_conv_5x5', 2)],
    )`,
  },
  DARTS_MINUS: {
    source: 'DARTS-, best of the searches on the whole space, CIFAR-10 (Chu et al., ICLR 2021)',
    aliases: ['cifar10_s0_best'],
    genotype: `Genotype(
      normal=[('sep_conv_3x3', 0), ('sep_conv_5x5', 1), ('sep_conv_3x3', 1), ('dil_conv_3x3', 2), ('skip_connect', 1), ('sep_conv_3x3', 0), ('skip_connect', 1), ('sep_conv_3x3', 0)],
      reduce=[('sep_conv_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 3), ('skip_connect', 2), ('skip_connect', 3)],
    )`,
  },
  SDARTS_RS: {
    source: 'SDARTS-RS, searched on CIFAR-10 (Chen and Hsieh, ICML 2020)',
    aliases: ['c10_s5_random'],
    genotype: `Genotype(
      normal=[('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_5x5', 1), ('skip_connect', 0), ('sep_conv_3x3', 3), ('skip_connect', 1), ('sep_conv_3x3', 1), ('dil_conv_3x3', 2)],
      reduce=[('max_pool_3x3', 0), ('sep_conv_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0), ('dil_conv_5x5', 3), ('max_pool_3x3', 0), ('sep_conv_3x3', 2), ('sep_conv_5x5', 3)],
    )`,
  },
  SDARTS_ADV: {
    source: 'SDARTS-ADV, searched on CIFAR-10 (Chen and Hsieh, ICML 2020)',
    aliases: ['c10_s5_pgd'],
    genotype: `Genotype(
      normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_5x5', 0), ('dil_conv_3x3', 3), ('dil_conv_3x3', 4), ('skip_connect', 0)],
      reduce=[('max_pool_3x3', 0), ('sep_conv_5x5', 1), ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 3), ('skip_connect', 2), ('skip_connect', 2), ('sep_conv_5x5', 4)],
    )`,
  },
  OLES: {
    source: 'OLES, searched on CIFAR-10 (Jiang et al., NeurIPS 2023)',
    aliases: ['oles_cifar10'],
    genotype: `Genotype(
      normal=[('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_5x5', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_5x5', 1), ('sep_conv_3x3', 0), ('dil_conv_3x3', 1)],
      reduce=[('max_pool_3x3', 0), ('sep_conv_3x3', 1), ('avg_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('avg_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 3)],
    )`,
  },
  FAIRDARTS_A: {
    source: 'Fair-DARTS A, searched on CIFAR-10 (Chu et al., ECCV 2020)',
    genotype: `Genotype(
      normal=[('sep_conv_3x3', 2, 0), ('sep_conv_5x5', 2, 1), ('max_pool_3x3', 4, 0), ('sep_conv_3x3', 5, 0)],
      reduce=[('max_pool_3x3', 2, 0), ('avg_pool_3x3', 2, 1), ('avg_pool_3x3', 3, 0), ('dil_conv_5x5', 3, 1), ('avg_pool_3x3', 4, 0), ('sep_conv_5x5', 4, 1), ('skip_connect', 5, 0), ('skip_connect', 5, 1)],
    )`,
  },
  FAIRDARTS_B: {
    source: 'Fair-DARTS B, searched on CIFAR-10 (Chu et al., ECCV 2020)',
    genotype: `Genotype(
      normal=[('sep_conv_3x3', 2, 0), ('sep_conv_3x3', 2, 1), ('sep_conv_3x3', 3, 1), ('dil_conv_3x3', 4, 0), ('sep_conv_5x5', 4, 1), ('dil_conv_5x5', 5, 1)],
      reduce=[('skip_connect', 2, 0), ('dil_conv_3x3', 2, 1), ('skip_connect', 3, 0), ('dil_conv_3x3', 3, 1), ('max_pool_3x3', 4, 0), ('sep_conv_3x3', 4, 1), ('skip_connect', 5, 2), ('max_pool_3x3', 5, 0)],
    )`,
  },
  FAIRDARTS_C: {
    source: 'Fair-DARTS C, searched on CIFAR-10 (Chu et al., ECCV 2020)',
    genotype: `Genotype(
      normal=[('max_pool_3x3', 2, 0), ('sep_conv_5x5', 2, 1), ('dil_conv_3x3', 4, 0), ('dil_conv_5x5', 4, 2), ('skip_connect', 5, 3), ('sep_conv_3x3', 5, 0)],
      reduce=[('dil_conv_3x3', 2, 1), ('dil_conv_5x5', 2, 0), ('dil_conv_3x3', 3, 0), ('sep_conv_3x3', 3, 1), ('sep_conv_5x5', 4, 0), ('sep_conv_5x5', 4, 3), ('sep_conv_5x5', 5, 0), ('skip_connect', 5, 1)],
    )`,
  },
  FAIRDARTS_D: {
    source: 'Fair-DARTS D, searched on CIFAR-10 (Chu et al., ECCV 2020)',
    genotype: `Genotype(
      normal=[('sep_conv_3x3', 2, 0), ('sep_conv_5x5', 2, 1), ('dil_conv_3x3', 3, 1), ('max_pool_3x3', 3, 0), ('dil_conv_3x3', 4, 0), ('dil_conv_3x3', 4, 1), ('sep_conv_3x3', 5, 0), ('dil_conv_5x5', 5, 1)],
      reduce=[('max_pool_3x3', 2, 0), ('sep_conv_5x5', 2, 1), ('avg_pool_3x3', 3, 0), ('dil_conv_5x5', 3, 2), ('dil_conv_3x3', 4, 3), ('avg_pool_3x3', 4, 0), ('avg_pool_3x3', 5, 0), ('skip_connect', 5, 3)],
    )`,
  },
  FAIRDARTS_E: {
    source: 'Fair-DARTS E, searched on CIFAR-10 (Chu et al., ECCV 2020)',
    genotype: `Genotype(
      normal=[('sep_conv_3x3', 2, 0), ('sep_conv_3x3', 2, 1), ('dil_conv_3x3', 4, 1), ('dil_conv_3x3', 4, 2), ('dil_conv_3x3', 5, 0), ('dil_conv_5x5', 5, 1)],
      reduce=[('max_pool_3x3', 2, 1), ('max_pool_3x3', 2, 0), ('max_pool_3x3', 3, 1), ('max_pool_3x3', 3, 0), ('sep_conv_5x5', 4, 1), ('max_pool_3x3', 4, 0), ('avg_pool_3x3', 5, 0), ('dil_conv_5x5', 5, 1)],
    )`,
  },
  FAIRDARTS_F: {
    source: 'Fair-DARTS F, searched on CIFAR-10 (Chu et al., ECCV 2020)',
    genotype: `Genotype(
      normal=[('max_pool_3x3', 2, 0), ('sep_conv_3x3', 2, 1), ('dil_conv_3x3', 3, 1), ('sep_conv_5x5', 4, 1), ('sep_conv_3x3', 5, 0), ('sep_conv_3x3', 5, 1)],
      reduce=[('max_pool_3x3', 2, 0), ('max_pool_3x3', 2, 1), ('max_pool_3x3', 3, 0), ('dil_conv_3x3', 3, 1), ('dil_conv_3x3', 4, 2), ('max_pool_3x3', 4, 0), ('max_pool_3x3', 5, 0), ('sep_conv_3x3', 5, 1)],
    )`,
  },
  FAIRDARTS_G: {
    source: 'Fair-DARTS G, searched on CIFAR-10 (Chu et al., ECCV 2020)',
    genotype: `Genotype(
      normal=[('sep_conv_3x3', 2, 0), ('sep_conv_3x3', 2, 1), ('skip_connect', 4, 3), ('sep_conv_5x5', 4, 1), ('dil_conv_3x3', 5, 0), ('sep_conv_3x3', 5, 1)],
      reduce=[('avg_pool_3x3', 2, 1), ('skip_connect', 2, 0), ('skip_connect', 3, 2), ('max_pool_3x3', 3, 1), ('sep_conv_5x5', 4, 3), ('max_pool_3x3', 4, 0), ('dil_conv_3x3', 5, 1), ('dil_conv_3x3', 5, 4)],
    )`,
  },
  D_DARTS: {
    source: 'D-DARTS, sparse list of cells searched on CIFAR-10 (Heuillet et al., 2021)',
    genotype: `Genotype_nested(
      genes=[
        [('sep_conv_3x3', 2, 1), ('max_pool_3x3', 2, 0), ('sep_conv_3x3', 3, 0), ('max_pool_3x3', 3, 2), ('sep_conv_3x3', 4, 0), ('max_pool_3x3', 4, 2), ('max_pool_3x3', 5, 0), ('dil_conv_5x5', 5, 4)],
        [('skip_connect', 2, 0), ('dil_conv_5x5', 2, 1), ('sep_conv_5x5', 3, 1), ('sep_conv_5x5', 3, 2), ('dil_conv_3x3', 4, 3), ('sep_conv_5x5', 4, 2), ('sep_conv_5x5', 5, 4), ('sep_conv_5x5', 5, 0)],
        [('sep_conv_5x5', 2, 1), ('sep_conv_5x5', 2, 0), ('sep_conv_3x3', 3, 1), ('max_pool_3x3', 3, 2), ('sep_conv_5x5', 4, 1), ('skip_connect', 4, 0), ('dil_conv_3x3', 5, 2), ('sep_conv_5x5', 5, 0)],
        [('sep_conv_5x5', 2, 0), ('sep_conv_5x5', 2, 1), ('sep_conv_5x5', 3, 2), ('sep_conv_5x5', 3, 1), ('dil_conv_3x3', 4, 2), ('dil_conv_3x3', 4, 1), ('dil_conv_5x5', 5, 2), ('sep_conv_5x5', 5, 1)],
        [('dil_conv_5x5', 2, 1), ('max_pool_3x3', 2, 0), ('sep_conv_5x5', 3, 2), ('max_pool_3x3', 3, 0), ('sep_conv_5x5', 4, 1), ('sep_conv_5x5', 4, 3), ('dil_conv_3x3', 5, 3), ('sep_conv_5x5', 5, 2)],
        [('sep_conv_5x5', 2, 1), ('sep_conv_5x5', 2, 0), ('sep_conv_5x5', 3, 1), ('sep_conv_5x5', 3, 2), ('sep_conv_5x5', 4, 2), ('dil_conv_3x3', 4, 1), ('sep_conv_3x3', 5, 1), ('sep_conv_3x3', 5, 3)],
        [('sep_conv_3x3', 2, 0), ('sep_conv_5x5', 2, 1), ('dil_conv_3x3', 3, 1), ('skip_connect', 3, 2), ('skip_connect', 4, 2), ('skip_connect', 4, 0), ('dil_conv_3x3', 5, 0), ('sep_conv_5x5', 5, 1)],
        [('sep_conv_5x5', 2, 1), ('sep_conv_3x3', 2, 0), ('sep_conv_5x5', 3, 2), ('dil_conv_5x5', 3, 0), ('sep_conv_5x5', 4, 3), ('dil_conv_3x3', 4, 2), ('sep_conv_3x3', 5, 2)],
      ],
      concat=range(2, 6), reductions=[2, 6],
    )`,
  },
  LAMBDA_DARTS: {
    source: 'Λ-DARTS, first of four searches on CIFAR-10 (Movahedi et al., ICLR 2023)',
    aliases: ['lambdadarts_corr_0'],
    genotype: `Genotype(
      normal=[('sep_conv_5x5', 0), ('skip_connect', 1), ('sep_conv_3x3', 2), ('sep_conv_5x5', 1), ('sep_conv_3x3', 1), ('max_pool_3x3', 0), ('dil_conv_3x3', 2), ('max_pool_3x3', 0)],
      reduce=[('skip_connect', 1), ('skip_connect', 0), ('max_pool_3x3', 0), ('dil_conv_3x3', 2), ('dil_conv_5x5', 3), ('dil_conv_5x5', 1), ('skip_connect', 1), ('sep_conv_5x5', 2)],
    )`,
  },
  DARTS_PT_0: {
    source: 'DARTS-PT, first of four searches on CIFAR-10 (Wang et al., ICLR 2021)',
    aliases: ['darts_pt_s5_0'],
    genotype: `Genotype(
      normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_5x5', 0), ('dil_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 2), ('skip_connect', 0), ('max_pool_3x3', 4)],
      reduce=[('sep_conv_3x3', 0), ('avg_pool_3x3', 1), ('dil_conv_5x5', 1), ('dil_conv_3x3', 2), ('avg_pool_3x3', 0), ('max_pool_3x3', 2), ('sep_conv_3x3', 2), ('skip_connect', 4)],
    )`,
  },
  DARTS_PT_1: {
    source: 'DARTS-PT, second of four searches on CIFAR-10 (Wang et al., ICLR 2021)',
    aliases: ['darts_pt_s5_1'],
    genotype: `Genotype(
      normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('dil_conv_3x3', 1), ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 0), ('dil_conv_3x3', 4)],
      reduce=[('dil_conv_5x5', 0), ('avg_pool_3x3', 1), ('max_pool_3x3', 0), ('sep_conv_5x5', 2), ('max_pool_3x3', 1), ('dil_conv_3x3', 3), ('sep_conv_5x5', 0), ('sep_conv_3x3', 4)],
    )`,
  },
  DARTS_PT_2: {
    source: 'DARTS-PT, third of four searches on CIFAR-10 (Wang et al., ICLR 2021)',
    aliases: ['darts_pt_s5_2'],
    genotype: `Genotype(
      normal=[('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('dil_conv_3x3', 1), ('skip_connect', 2), ('dil_conv_3x3', 3), ('max_pool_3x3', 1), ('skip_connect', 2)],
      reduce=[('avg_pool_3x3', 0), ('max_pool_3x3', 1), ('avg_pool_3x3', 0), ('sep_conv_3x3', 1), ('dil_conv_5x5', 2), ('skip_connect', 3), ('sep_conv_3x3', 2), ('sep_conv_5x5', 4)],
    )`,
  },
  DARTS_PT_3: {
    source: 'DARTS-PT, fourth of four searches on CIFAR-10 (Wang et al., ICLR 2021)',
    aliases: ['darts_pt_s5_3'],
    genotype: `Genotype(
      normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 2), ('sep_conv_3x3', 1), ('skip_connect', 3)],
      reduce=[('avg_pool_3x3', 0), ('sep_conv_5x5', 1), ('max_pool_3x3', 1), ('skip_connect', 2), ('dil_conv_5x5', 1), ('max_pool_3x3', 3), ('sep_conv_5x5', 2), ('skip_connect', 3)],
    )`,
  },
  DARTS_PT_FIXED_0: {
    source: 'DARTS-PT with fixed α, first of four searches on CIFAR-10 (Wang et al., ICLR 2021)',
    aliases: ['blank_pt_s5_0'],
    genotype: `Genotype(
      normal=[('sep_conv_3x3', 0), ('sep_conv_5x5', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('avg_pool_3x3', 1), ('skip_connect', 3), ('max_pool_3x3', 0), ('avg_pool_3x3', 2)],
      reduce=[('skip_connect', 0), ('sep_conv_5x5', 1), ('dil_conv_3x3', 1), ('sep_conv_5x5', 2), ('max_pool_3x3', 0), ('skip_connect', 3), ('max_pool_3x3', 0), ('max_pool_3x3', 2)],
    )`,
  },
  DARTS_PT_FIXED_1: {
    source: 'DARTS-PT with fixed α, second of four searches on CIFAR-10 (Wang et al., ICLR 2021)',
    aliases: ['blank_pt_s5_1'],
    genotype: `Genotype(
      normal=[('avg_pool_3x3', 0), ('avg_pool_3x3', 1), ('sep_conv_3x3', 0), ('max_pool_3x3', 2), ('skip_connect', 2), ('sep_conv_3x3', 3), ('sep_conv_5x5', 0), ('sep_conv_5x5', 1)],
      reduce=[('max_pool_3x3', 0), ('dil_conv_5x5', 1), ('sep_conv_3x3', 0), ('skip_connect', 1), ('avg_pool_3x3', 2), ('max_pool_3x3', 3), ('sep_conv_5x5', 3), ('sep_conv_5x5', 4)],
    )`,
  },
  DARTS_PT_FIXED_2: {
    source: 'DARTS-PT with fixed α, third of four searches on CIFAR-10 (Wang et al., ICLR 2021)',
    aliases: ['blank_pt_s5_2'],
    genotype: `Genotype(
      normal=[('avg_pool_3x3', 0), ('dil_conv_3x3', 1), ('sep_conv_5x5', 0), ('max_pool_3x3', 1), ('max_pool_3x3', 0), ('skip_connect', 1), ('sep_conv_5x5', 1), ('avg_pool_3x3', 2)],
      reduce=[('sep_conv_3x3', 0), ('avg_pool_3x3', 1), ('avg_pool_3x3', 0), ('sep_conv_5x5', 1), ('max_pool_3x3', 0), ('sep_conv_5x5', 3), ('max_pool_3x3', 2), ('dil_conv_5x5', 4)],
    )`,
  },
  DARTS_PT_FIXED_3: {
    source: 'DARTS-PT with fixed α, fourth of four searches on CIFAR-10 (Wang et al., ICLR 2021)',
    aliases: ['blank_pt_s5_3'],
    genotype: `Genotype(
      normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 1), ('max_pool_3x3', 2), ('sep_conv_3x3', 3), ('avg_pool_3x3', 0), ('sep_conv_5x5', 1)],
      reduce=[('dil_conv_5x5', 0), ('sep_conv_5x5', 1), ('sep_conv_5x5', 0), ('dil_conv_3x3', 1), ('avg_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0), ('skip_connect', 4)],
    )`,
  },
  GAEA_DARTS: {
    source:
      "GAEA DARTS, cells in the authors' code; those of the paper's GAEA PC-DARTS are not in it (Li et al., ICLR 2021)",
    aliases: ['edarts4'],
    genotype: `Genotype(
      normal=[('sep_conv_3x3', 0), ('skip_connect', 1), ('skip_connect', 0), ('skip_connect', 1), ('skip_connect', 0), ('skip_connect', 2), ('skip_connect', 0), ('dil_conv_3x3', 3)],
      reduce=[('dil_conv_3x3', 1), ('max_pool_3x3', 0), ('skip_connect', 2), ('avg_pool_3x3', 0), ('skip_connect', 3), ('skip_connect', 2), ('skip_connect', 3), ('skip_connect', 4)],
    )`,
  },
  DROPNAS: {
    source: 'DropNAS, searched on CIFAR-10 (Hong et al., IJCAI 2020)',
    genotype: `Genotype(
      normal=[('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('dil_conv_5x5', 4), ('dil_conv_3x3', 1)],
      reduce=[('max_pool_3x3', 0), ('sep_conv_5x5', 1), ('dil_conv_5x5', 2), ('sep_conv_5x5', 1), ('dil_conv_5x5', 3), ('dil_conv_5x5', 2), ('dil_conv_5x5', 3), ('dil_conv_5x5', 4)],
    )`,
  },
  DRNAS: {
    source: 'DrNAS, searched on CIFAR-10 (Chen et al., ICLR 2021)',
    aliases: ['DrNAS_cifar10'],
    genotype: `Genotype(
      normal=[('sep_conv_3x3', 0), ('sep_conv_5x5', 1), ('sep_conv_3x3', 1), ('sep_conv_3x3', 2), ('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 2), ('dil_conv_5x5', 3)],
      reduce=[('max_pool_3x3', 0), ('sep_conv_5x5', 1), ('dil_conv_5x5', 2), ('sep_conv_5x5', 1), ('sep_conv_5x5', 1), ('dil_conv_5x5', 3), ('skip_connect', 4), ('sep_conv_5x5', 1)],
    )`,
  },
  DRNAS_IMAGENET: {
    source: 'DrNAS, searched on ImageNet (Chen et al., ICLR 2021)',
    searchedOn: 'imagenet',
    genotype: `Genotype(
      normal=[('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('dil_conv_3x3', 3), ('skip_connect', 0), ('sep_conv_3x3', 1)],
      reduce=[('max_pool_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 2), ('sep_conv_3x3', 0), ('sep_conv_3x3', 2), ('sep_conv_3x3', 3), ('sep_conv_3x3', 1)],
    )`,
  },
}

/** Finds a published architecture by its name or alias, ignoring case. @throws BenchError `unknown-name` */
export function publishedGenotype(name: string): PublishedGenotype {
  const same = (other: string) => other.toLowerCase() === name.toLowerCase()
  const found = Object.entries(PUBLISHED).find(([known, { aliases = [] }]) => [known, ...aliases].some(same))
  if (found === undefined) throw unknownName('genotype', name, Object.keys(PUBLISHED), 'bench list genotypes')
  return found[1]
}

/** The published architectures, as the family of the DARTS space lists them. */
export const publishedArchitectures: readonly PublishedArchitecture[] = Object.entries(PUBLISHED).map(
  ([name, { source, aliases = [], searchedOn = 'cifar10', genotype }]) => ({
    name,
    source,
    aliases,
    searchedOn,
    genotype,
  }),
)

/**
 * Returns the dataset on which an architecture was found: for a published one, the dataset of its paper; else CIFAR-10.
 */
export function searchedOn(genotype: DartsArchitecture): 'cifar10' | 'imagenet' {
  const name = publishedName(genotype)
  return (name !== undefined && PUBLISHED[name].searchedOn) || 'cifar10'
}

/** Returns the name under which a paper published an architecture; undefined if it is not among the listed ones. */
export function publishedName(genotype: DartsArchitecture): string | undefined {
  const text = format(genotype)
  const whole = { name: 'darts', edges: edgesWith(() => OPERATIONS) }
  return Object.entries(PUBLISHED).find(([, published]) => format(parse(whole, published.genotype)) === text)?.[0]
}
