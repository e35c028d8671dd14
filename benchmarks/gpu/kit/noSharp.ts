/** Stands for `sharp` in the kit, which reads CIFAR-10 in binary form only. */
export default function sharp(): never {
  throw new Error('the GPU kit has no image decoder (sharp)')
}

// Modules that decode images set these when they are loaded.
sharp.block = sharp.unblock = sharp.concurrency = sharp.cache = () => {}
