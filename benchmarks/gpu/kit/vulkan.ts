/** Finds out why Vulkan has no device here, and says which file is missing. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Where the driver list of NVIDIA's container runtime lies that the Vulkan loader does not look for. */
export const NVIDIA_DRIVER = '/usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json'

const LOADER = 'libvulkan.so.1'

/** Folders in which the Vulkan loader looks for the descriptions of drivers. */
const DRIVER_FOLDERS = ['/usr/local/etc', '/usr/local/share', '/etc', '/usr/share'].map((folder) =>
  join(folder, 'vulkan/icd.d'),
)

const namedDrivers = () =>
  (process.env.VK_DRIVER_FILES ?? process.env.VK_ICD_FILENAMES)?.split(':').filter((path) => path !== '')

/** Whether the dynamic linker finds the loader. */
function hasLoader(): boolean {
  const folders = (process.env.LD_LIBRARY_PATH ?? '').split(':').filter((folder) => folder !== '')
  if (folders.some((folder) => existsSync(join(folder, LOADER)))) return true
  return ['ldconfig', '/sbin/ldconfig'].some(
    (command) => spawnSync(command, ['-p'], { encoding: 'utf8' }).stdout?.includes(LOADER) ?? false,
  )
}

/** Says in one line what Vulkan lacks on this machine: its loader, a driver, or what the driver needs. */
export function missingVulkan(): string {
  if (!hasLoader()) return `${LOADER} is missing; install the Vulkan loader (Debian: apt-get install libvulkan1)`
  const named = namedDrivers()
  if (named !== undefined) {
    const absent = named.find((path) => !existsSync(path))
    if (absent !== undefined) return `there is no Vulkan driver ${absent}, which VK_DRIVER_FILES names`
    return `the Vulkan driver ${named.join(' or ')} offers no device; it may need libX11.so.6 and libXext.so.6, or a GPU`
  }
  const found = DRIVER_FOLDERS.filter(existsSync).flatMap((folder) => readdirSync(folder).map((n) => join(folder, n)))
  return found.length > 0
    ? `no Vulkan driver offers a device (found ${found.join(', ')}); a driver’s libraries or the GPU are missing`
    : `no Vulkan driver: none in ${DRIVER_FOLDERS.join(', ')}, nor ${NVIDIA_DRIVER}; install the driver’s Vulkan part`
}
