#!/usr/bin/env bash
# Builds the native half of @tensorflow/tfjs-node against the libtensorflow inside a wheel of PyPI, where tfjs-node's own
# installer cannot download it. In a clone, or in a project that uses this package:
#
#   npm install -D --ignore-scripts @tensorflow/tfjs-node@4.22.0
#   bash src/engine/tfjs/build-tensorflow.sh [VERSION]      (of tensorflow-cpu; default 2.15.1)
#
# Needs Linux on x86-64, g++, Python with pip, npm, and 1.5 GB of disk. The binding speaks Node-API, so that one build
# serves Node 20, 22 and 24.
set -euo pipefail

version=${1:-2.15.1}
target=$(node -p 'path.dirname(require.resolve("@tensorflow/tfjs-node/package.json", { paths: ["."] }))' 2>/dev/null) || {
  echo 'no @tensorflow/tfjs-node here; first: npm install -D --ignore-scripts @tensorflow/tfjs-node@4.22.0' >&2
  exit 2
}
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT

python3 -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.11 --dest "$build" \
  --platform manylinux_2_17_x86_64 --platform manylinux_2_27_x86_64 "tensorflow-cpu==$version"
python3 - "$build" <<'PYTHON'
import glob, re, sys, zipfile

wanted = re.compile(r"tensorflow/(libtensorflow_(cc|framework)\.so\.2|include/(tensorflow|tsl|xla)/.*\.h)$")
wheel = zipfile.ZipFile(glob.glob(sys.argv[1] + "/*.whl")[0])
wheel.extractall(sys.argv[1], filter(wanted.match, wheel.namelist()))
PYTHON
npm install --silent --no-save --ignore-scripts --prefix "$build" node-api-headers@1

libraries="$target/deps/lib"
binding="$target/lib/napi-v8"
mkdir -p "$libraries" "$binding"
mv -f "$build"/tensorflow/libtensorflow_*.so.2 "$libraries"
g++ -shared -fPIC -O2 -std=c++17 -DNAPI_VERSION=8 \
  -I "$build/node_modules/node-api-headers/include" -I "$build/tensorflow/include" -I "$target" \
  "$target"/binding/*.cc -o "$binding/tfjs_binding.node" \
  -L "$libraries" -l:libtensorflow_cc.so.2 -l:libtensorflow_framework.so.2 -Wl,-rpath,'$ORIGIN/../../deps/lib'

TF_CPP_MIN_LOG_LEVEL=1 node -p '"libtensorflow " + require(process.argv[1]).TF_Version' "$binding/tfjs_binding.node"
