/** The GPUs that processes are dealt to. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/**
 * The NVIDIA GPUs that this process may use, in the words of CUDA_VISIBLE_DEVICES: those that it names, else all that the
 * driver lists.
 * @param root below which `/proc` is read
 */
export function cudaDevices({ CUDA_VISIBLE_DEVICES: visible }: NodeJS.ProcessEnv, root = '/'): readonly string[] {
  if (visible !== undefined) return visible.split(',').filter((device) => device !== '' && device !== '-1')
  try {
    return readdirSync(join(root, 'proc/driver/nvidia/gpus')).map((_, index) => String(index))
  } catch {
    return []
  }
}
