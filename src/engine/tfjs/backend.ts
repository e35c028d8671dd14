/** TensorFlow.js keeps one current backend for the whole process; executors of several may live side by side. */
import * as tf from '@tensorflow/tfjs-core'

/** Runs f on its backend and frees what f made on the way to its result. f must not wait for anything. */
export type OnBackend = <T>(f: () => T) => T

/** @param name of a backend that has been initialised */
export const onBackend =
  (name: string): OnBackend =>
  (f) => {
    // With an initialised backend the switch is complete before the promise is returned.
    if (tf.getBackend() !== name) void tf.setBackend(name)
    return tf.tidy(f as () => tf.TensorContainer) as ReturnType<typeof f>
  }
