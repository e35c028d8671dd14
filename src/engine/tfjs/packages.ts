/** Finds the npm package that brings libtensorflow, without loading TensorFlow.js. */
import { hasPart, isInstalled } from '../../system/optionalPackage.ts'

/** The npm package that brings libtensorflow for NVIDIA GPUs. */
export const TENSORFLOW_GPU = '@tensorflow/tfjs-node-gpu'
/** The npm packages that bring libtensorflow, in order of preference. */
export const TENSORFLOW_PACKAGES = [TENSORFLOW_GPU, '@tensorflow/tfjs-node'] as const

/**
 * Returns the name of the first of these packages that is installed with its native library; undefined if there is
 * none.
 */
export const tensorflowPackage = () => TENSORFLOW_PACKAGES.find((name) => isInstalled(name) && hasPart(name, 'lib'))
