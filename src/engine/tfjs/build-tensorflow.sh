#!/usr/bin/env bash
# Builds the native half of @tensorflow/tfjs-node or @tensorflow/tfjs-node-gpu against the libtensorflow inside a wheel of
# PyPI, where their own installers cannot download it. In a clone, or in a project that uses this package:
#
#   npm install -D --ignore-scripts @tensorflow/tfjs-node@4.22.0          (or tfjs-node-gpu)
#   bash src/engine/tfjs/build-tensorflow.sh [VERSION]      (of TensorFlow; default 2.15.1)
#
# With tfjs-node the wheel is tensorflow-cpu; with tfjs-node-gpu it is tensorflow, whose library loads CUDA 12.2 and
# cuDNN 8.9 from the machine when it runs, and computes on the CPU where they are missing.
#
# Needs Linux on x86-64, g++, Python with pip, npm, and 1.5 GB of disk (3 GB for GPUs). The binding speaks Node-API, so
# that one build serves Node 20, 22 and 24.
set -euo pipefail

version=${1:-2.15.1}
folder_of() { node -p 'path.dirname(require.resolve(process.argv[1] + "/package.json", { paths: ["."] }))' "$1" 2>/dev/null; }
if target=$(folder_of @tensorflow/tfjs-node-gpu); then
  wheel=tensorflow
elif target=$(folder_of @tensorflow/tfjs-node); then
  wheel=tensorflow-cpu
else
  echo 'no @tensorflow/tfjs-node here; first: npm install -D --ignore-scripts @tensorflow/tfjs-node@4.22.0' >&2
  exit 2
fi
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT

python3 -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.11 --dest "$build" \
  --platform manylinux_2_17_x86_64 --platform manylinux_2_27_x86_64 "$wheel==$version"
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
