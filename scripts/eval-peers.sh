#!/usr/bin/env bash
# Two other harnesses of evals, which `just bench-evals` runs beside ours, each at one version:
#
#   .tools/inspect     Inspect, with pip (Python 3.10 or later)
#   .tools/promptfoo   promptfoo, with npm; and the Node that it wants, if this machine's is older
#
# No installation script of a package is run. What cannot be installed is named with the reason, and the bench goes on without
# it; only an unknown argument is an error. scripts/eval-peers.sh inspect (or promptfoo) installs that one alone.
set -uo pipefail
cd "$(dirname "$0")/.."

inspect='inspect-ai==0.3.285 openai==3.57.0'
promptfoo=promptfoo@0.123.1
node=22.22.0
# Seconds that one installation may take: hundreds of megabytes in thousands of files.
patience=1200

say() { printf 'eval-peers: %s\n' "$*"; }
have() { command -v "$1" >/dev/null 2>&1; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Runs a command within the time; what it says is shown only if it fails.
try() { timeout "$patience" "$@" >"$log" 2>&1; }
reason() { grep -v '^[[:space:]]*$' "$log" | tail -n 1 | cut -c 1-300; }

# The folder is there only once everything in it works; its stamp names what it holds.
is_there() { [ "$(cat ".tools/$1/stamp" 2>/dev/null)" = "$2" ]; }
begin() {
    say "installing $2 into .tools/$1 (some minutes, once)"
    rm -rf ".tools/$1" ".tools/$1.part"
    mkdir -p ".tools/$1.part"
}
settle() { echo "$2" >".tools/$1.part/stamp" && mv ".tools/$1.part" ".tools/$1"; }
give_up() {
    say "$1 is left out: $2"
    rm -rf ".tools/$1.part"
}

install_inspect() {
    local python=python3
    [ ! -x .tools/venv/bin/python ] || python=.tools/venv/bin/python
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || {
        say 'inspect is left out: it wants Python 3.10 or later'
        return
    }
    begin inspect "$inspect"
    # shellcheck disable=SC2086 # one argument a package
    try "$python" -m pip install --quiet --disable-pip-version-check --no-cache-dir --only-binary :all: \
        --target .tools/inspect.part $inspect || { give_up inspect "$(reason)" && return; }
    try env PYTHONPATH=.tools/inspect.part "$python" -c 'import inspect_ai, openai' ||
        { give_up inspect "$(reason)" && return; }
    settle inspect "$inspect"
}

install_promptfoo() {
    have node && have npm || {
        say 'promptfoo is left out: there is no node and npm'
        return
    }
    local place=.tools/promptfoo.part platform more=() native
    platform=$(node -p 'process.platform + "-" + process.arch')
    node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 22) ? 0 : 1)' ||
        more+=("node-$platform@$node")
    begin promptfoo "$promptfoo ${more[*]}"
    local npm=(npm install --prefix "$place" --no-audit --no-fund --loglevel=error --omit=optional --ignore-scripts)
    try "${npm[@]}" "$promptfoo" "${more[@]}" || { give_up promptfoo "$(reason)" && return; }
    # Of the optional packages it needs its database for this machine alone.
    native=@libsql/$platform
    case $platform in linux-*) native+=-gnu ;; esac
    native+=@$(node -p "require('./$place/node_modules/libsql/package.json').version")
    try "${npm[@]}" "$native" || { give_up promptfoo "$(reason)" && return; }
    mkdir -p "$place/bin"
    if [ ${#more[@]} -gt 0 ]; then
        ln -s "../node_modules/node-$platform/bin/node" "$place/bin/node"
    else
        ln -s "$(command -v node)" "$place/bin/node"
    fi
    try env PROMPTFOO_DISABLE_TELEMETRY=1 PROMPTFOO_DISABLE_UPDATE=1 PROMPTFOO_CONFIG_DIR="$PWD/$place/config" \
        "$place/bin/node" "$place/node_modules/promptfoo/dist/src/entrypoint.js" --version ||
        { give_up promptfoo "$(reason)" && return; }
    settle promptfoo "$promptfoo"
}

for peer in "${@:-inspect promptfoo}"; do
    for name in $peer; do
        case $name in
        inspect) is_there inspect "$inspect" || install_inspect ;;
        promptfoo) is_there promptfoo "$promptfoo" || install_promptfoo ;;
        *) say "no such peer: $name" && exit 2 ;;
        esac
    done
done
exit 0
