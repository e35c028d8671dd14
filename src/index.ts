/** The public interface of the package: what plugins and other programs may import. All other modules are private. */

export {
  type ContractOptions,
  checkAlgorithm,
  checkScore,
  checkSpace,
  type RuleResult,
  type ScoreRuleResult,
  type SpaceRuleResult,
} from './algorithms/contract/index.ts'
export { softmaxRelaxation } from './algorithms/distributions/categorical.ts'
export {
  type ArchitectureGradient,
  type ArchitectureStep,
  type BilevelMethod,
  bilevelSearch,
  firstOrder,
  initialParameters,
  type Memory,
  type ParameterUpdate,
  type Penalty,
  type UpdateStep,
  type WeightStep,
} from './algorithms/shared/bilevel.ts'
export { type Ask, blackBoxSearch, evaluations } from './algorithms/shared/blackBox.ts'
export { type StageOptions, withStages } from './algorithms/shared/stages.ts'
export { descend } from './algorithms/shared/weightSteps.ts'
export { lossGradient } from './analysis/scores/gradients.ts'
export { builtins } from './builtins.ts'
export {
  type Algorithm,
  defineAlgorithm,
  defineReference,
  type EpochReport,
  type PlannedSearch,
  type ReferenceContext,
  type RelaxedSearch,
  type Search,
  type SearchContext,
  type SearchState,
} from './core/algorithm.ts'
export type { Batch, BatchSource, ImageShape, SearchData } from './core/data.ts'
export type { Drawing, Ink, Shape } from './core/drawing.ts'
export { BenchError, type ErrorCode, exitStatus } from './core/errors.ts'
export type { Evaluation, Evaluator, Oracle, OracleAnswer } from './core/evaluation.ts'
export type { Executable, Executor, Feed, Mode, SgdStep, Tally, WeightVector } from './core/executor.ts'
export { formatQualifier, type Metric, parseQualifier, type Qualifier } from './core/metric.ts'
export type { Relaxation, Relaxed } from './core/mixing.ts'
export {
  argmax,
  type CoefficientLayout,
  coefficientLayout,
  type Matrix,
  type Mixing,
  type MixingGradient,
  map,
  normalMatrix,
  softmax,
  softmaxGradient,
  zip,
} from './core/mixing.ts'
export type { CoefficientId, Head, Layer, Network, Value, ValueId, Window } from './core/network.ts'
export { type BatchNormOptions, NetworkBuilder } from './core/networkBuilder.ts'
export { definePlugin, type Plugin, Registry } from './core/plugin.ts'
export type { Probe, ProbeContext } from './core/probe.ts'
export type { Headline, Protocol } from './core/protocol.ts'
export { RandomStream, random } from './core/random.ts'
export type { EpochRecord, FailureRecord, Job, ResultRecord, RunManifest, TrajectoryPoint } from './core/result.ts'
export { defineScore, type RankScore, type Score, type ScoreInput } from './core/score.ts'
export {
  type BenchmarkSplit,
  type Edge,
  type Encoding,
  type EvaluationNetworkOptions,
  type EvaluationSize,
  type Genotype,
  mutate,
  type Numbering,
  neighbours,
  type SearchSpace,
  type SpaceFamily,
  type SupernetOptions,
  sample,
} from './core/space.ts'
export type { Supernet } from './core/supernet.ts'
export { type ExecutorOptions, openExecutor } from './engine/index.ts'
export type { RetrainingRequest } from './retrain/settings.ts'
export { DEFAULTS as experimentDefaults, type Experiment } from './runner/plan/experiment.ts'
export { readExperimentFile } from './runner/plan/experimentFile.ts'
export { makePlan, type Plan, type PlannedJob } from './runner/plan/plan.ts'
export { type Outcome, runPlan } from './runner/processes/runPlan.ts'
export { Store } from './runner/store/store.ts'
export { loadPlugin, type Registered, registerPlugins } from './system/plugins.ts'
export { openTable } from './tables/openTable.ts'
export type { Table } from './tables/table.ts'
