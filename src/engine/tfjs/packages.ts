/** Finds the npm package that brings libtensorflow, without loading TensorFlow.js. */
import { hasPart, isInstalled } from '../../system/optionalPackage.ts'

/** The package with libtensorflow for NVIDIA GPUs. */
export const TENSORFLOW_GPU = '@tensorflow/tfjs-node-gpu'
/** The packages with libtensorflow, in order of preference. */
export const TENSORFLOW_PACKAGES = [TENSORFLOW_GPU, '@tensorflow/tfjs-node'] as const

/** Returns the installed package that has its native libtensorflow; undefined if there is none. */
export const tensorflowPackage = () => TENSORFLOW_PACKAGES.find((name) => isInstalled(name) && hasPart(name, 'lib'))
