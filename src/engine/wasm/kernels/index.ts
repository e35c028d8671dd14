/**
 * The source of the WebAssembly module: exports all kernels. Pointers are byte addresses in the module's memory. Sizes
 * count elements unless their name says bytes.
 */
export { batch, part, parts, CHUNK } from './lanes'
export { stage, stageNormGradient } from './stage'
export { packFilter, unpackFilter, resizeRows } from './pack'
export { convolve } from './convolve'
export { filterGradient } from './filterGradient'
export { depthwise, depthwiseFilterGradient, flipTaps } from './depthwise'
export { measure, moments, track, recall, prepare, differentiate } from './norm'
export { combine, combinePlainGradient, combineNormGradient, reduceProducts, addPartialProducts, total } from './combine'
export { fill, relu, reluGradient, scaleSamples, addBias, biasGradient, accumulate } from './pointwise'
export { gather, scatter, copyChannels, crop, cropGradient, padChannels } from './rearrange'
export { boxPool, boxPoolGradient } from './box'
export { avgPool, avgPoolGradient, maxPool, frozenMaxPool, maxPoolGradient, globalMean, globalMeanGradient } from './pool'
export { crossEntropy, cotangent } from './loss'
export { axpy, scale, dot, sgd } from './vector'
