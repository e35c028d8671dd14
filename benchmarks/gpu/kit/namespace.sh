#!/usr/bin/env bash
# Runs the packed kit as on a machine without Node.js and without a network: in namespaces of its own, in a bare Debian
# tree, with an empty home and SwiftShader, Dawn's emulated GPU, as the only Vulkan driver.
#
#   sudo [IMAGES=FOLDER] bash benchmarks/gpu/kit/namespace.sh KIT DRIVER-FOLDER [options of run.sh]
#
# IMAGES is the folder that images.ts packed; the stage that searches then takes its images (without: images drawn by seed).
# DRIVER-FOLDER holds libvk_swiftshader.so and vk_swiftshader_icd.json; Debian's chromium brings them (/usr/lib/chromium).
# The tree has bash, coreutils, tar, gzip, findutils, dpkg and the libraries these link to, and libstdc++; no Python, no
# xz, no Vulkan loader. Results are left in gpu-results-namespace.
set -euo pipefail
kit=$(realpath "$1"); driver=$(realpath "$2"); shift 2
out=$PWD/gpu-results-namespace
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$out" "$root"/{bin,usr/bin,sbin,lib64,lib/x86_64-linux-gnu,tmp,home/visitor,proc,dev,kit,driver,out,etc}
for name in bash tar gzip dpkg-deb cat cut rm mkdir mv ln stat basename dirname uname cksum grep env ls; do
  program=$(command -v "$name")
  cp -L "$program" "$root/usr/bin/"
  ldd "$program" | grep -o '/[^ ]*' | while read -r library; do cp -nL "$library" "$root/lib/x86_64-linux-gnu/"; done
done
cp -L /sbin/ldconfig "$root/sbin/"
cp -L /bin/sh "$root/bin/sh"
for name in libstdc++.so.6 libgcc_s.so.1 libm.so.6 libdl.so.2 libpthread.so.0 libc.so.6; do
  cp -nL "/lib/x86_64-linux-gnu/$name" "$root/lib/x86_64-linux-gnu/"
done
cp -L /lib64/ld-linux-x86-64.so.2 "$root/lib64/"
cp -rL "$kit"/. "$root/kit/"
cp -L "$driver"/libvk_swiftshader.so "$driver"/vk_swiftshader_icd.json "$root/driver/"
if [ -n "${IMAGES:-}" ]; then
  cp -rL "$IMAGES" "$root/images"
  set -- --images /images "$@"
fi
for device in null zero urandom random; do touch "$root/dev/$device"; done
export ROOT=$root OUT=$out
# shellcheck disable=SC2016
unshare --net --mount --pid --fork bash -c '
  for device in null zero urandom random; do mount --bind /dev/$device "$ROOT/dev/$device"; done
  mount -t proc proc "$ROOT/proc"
  mount --bind "$OUT" "$ROOT/out"
  exec /usr/sbin/chroot "$ROOT" /usr/bin/env -i PATH=/usr/bin:/sbin HOME=/home/visitor \
    VK_DRIVER_FILES=/driver/vk_swiftshader_icd.json \
    bash /kit/run.sh --out /out "$@"
' namespace "$@"
