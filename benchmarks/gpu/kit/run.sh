#!/usr/bin/env bash
# Unpacks the GPU kit to a scratch folder and runs its stages there. `run.sh --help` prints the options.
# Needs Linux on x86-64 with glibc 2.34 or later, libstdc++, tar, and one of xz, Python 3 or dpkg-deb.
set -euo pipefail
kit=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=/tmp/nas-bench-gpu-kit
previous=
for word in "$@"; do
  [ "$previous" = --work ] && work=$word
  case $word in --work=*) work=${word#--work=} ;; esac
  previous=$word
done

# unpack ARCHIVE FOLDER: a tar archive compressed by xz, also on systems without xz
unpack() {
  mkdir -p "$2"
  if command -v xz >/dev/null; then
    xz -dc "$1" | tar -x -C "$2"
  elif python3 -c 'import lzma' 2>/dev/null; then
    python3 -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.argv[1]), sys.stdout.buffer)' "$1" | tar -x -C "$2"
  elif command -v dpkg-deb >/dev/null; then
    # A .deb file is an ar archive: a version, a control archive, and the files as data.tar.xz.
    local control="$2.control.tar"
    : >"$2.control"
    tar -c -C "$(dirname "$2")" "$(basename "$2").control" >"$control"
    member() { printf '%-16s%-12s%-6s%-6s%-8s%-10s`\n' "$1" 0 0 0 100644 "$(stat -c %s "$2")"; cat "$2"; [ $(($(stat -c %s "$2") % 2)) = 0 ] || echo; }
    echo 2.0 >"$2.version"
    { printf '!<arch>\n'; member debian-binary "$2.version"; member control.tar "$control"; member data.tar.xz "$1"; } >"$2.deb"
    dpkg-deb --fsys-tarfile "$2.deb" | tar -x -C "$2"
    rm -f "$2".deb "$2".version "$2".control "$control"
  else
    echo 'the kit is compressed by xz, and this machine has neither xz nor Python 3 nor dpkg-deb to unpack it' >&2
    exit 2
  fi
}

[ "$(uname -sm)" = 'Linux x86_64' ] || { echo "the kit is for Linux on x86-64, not $(uname -sm)" >&2; exit 2; }
node=
for archive in "$kit"/node-*.tar.xz "$kit/kit.tar.xz"; do
  [ -f "$archive" ] || { echo "$kit is incomplete: there is no $archive; pack the kit again" >&2; exit 2; }
  name=$(basename "$archive" .tar.xz)
  folder="$work/$name-$(cksum <"$archive" | cut -d' ' -f1)"
  if [ ! -d "$folder" ]; then
    rm -rf "$folder.new"
    unpack "$archive" "$folder.new"
    mv "$folder.new" "$folder"
  fi
  case $name in node-*) node="$folder/bin/node" ;; *) app="$folder" ;; esac
done

# Libraries of the kit stand in only for those that the machine lacks.
libraries="$work/libraries"
mkdir -p "$libraries"
found=$(/sbin/ldconfig -p 2>/dev/null || ldconfig -p 2>/dev/null || true)
for library in "$app"/lib/*; do
  name=$(basename "$library")
  case $found in *"$name "*) rm -f "$libraries/$name" ;; *) ln -sf "$library" "$libraries/$name" ;; esac
done
export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$libraries"
"$node" --version >/dev/null || { echo 'Node.js does not start here; it needs glibc 2.28 or later and libstdc++.so.6' >&2; exit 2; }
exec "$node" "$app/app/benchmarks/gpu/kit/run.js" "$@"
