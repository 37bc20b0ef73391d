#!/usr/bin/env bash
# Installs what the tests need and this machine lacks. Given: the Rust toolchain, git, Python 3. Run by ./test; safe to repeat.
#
#   in .tools/ (removed with the folder)   just, typos, agentskills (a peer for the validator), rfc8785 (a peer for canonical JSON),
#                                          securesystemslib (a peer for envelopes)
#   with cargo install, if missing         cargo-nextest
#   with apt-get, as root on Debian        PostgreSQL's server, bsdtar, strace, faketime, Go with golang.org/x/mod (a peer for
#                                          the log); cmake, libclang and a C++ compiler for the worker
#
# What can be installed only by root is named when we are not root; tests that need it then say that they are skipped. In CI
# a missing tool is an error, so that nothing is skipped there.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '    %s\n' "$*"; }
have() { command -v "$1" >/dev/null 2>&1; }
have_sumdb() { have go && [ -d /usr/share/gocode/src/golang.org/x/mod/sumdb/tlog ]; }
have_postgres() { have initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }

packages=()
have_postgres || packages+=(postgresql)
have bsdtar || packages+=(libarchive-tools)
have strace || packages+=(strace)
have faketime || packages+=(faketime)
have_sumdb || packages+=(golang-go golang-golang-x-mod-dev)
have openssl || packages+=(openssl)
have cc || packages+=(gcc libc6-dev)
python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)
if [ ${#packages[@]} -gt 0 ]; then
    if [ "$(id -u)" = 0 ] && have apt-get; then
        say "installing ${packages[*]}"
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq
        # No cluster of the system's own: the tests make theirs in a temporary folder.
        mkdir -p /etc/postgresql-common
        [ -e /etc/postgresql-common/createcluster.conf ] ||
            echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
        apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
    else
        say "missing, please install: ${packages[*]}"
    fi
fi

# A stamp names what the folder holds, so that a second run costs nothing.
wanted='rust-just==1.59.0 typos==1.52.0 skills-ref==0.1.1 rfc8785==0.1.4 securesystemslib==1.6.0 cryptography==50.0.2'
if [ "$(cat .tools/stamp 2>/dev/null)" != "$wanted" ]; then
    say "installing $wanted into .tools/"
    python3 -m venv .tools/venv
    # shellcheck disable=SC2086 # one argument a package
    .tools/venv/bin/python -m pip install --quiet --disable-pip-version-check $wanted
    echo "$wanted" >.tools/stamp
fi

# A small model and a server of models, the peers of the HTTP back ends; and what llama.cpp is built with, without which the worker is
# left out of the tests.
scripts/engine-tools.sh --peers
scripts/engine-tools.sh --compiler || true

if ! have cargo-nextest; then
    say 'installing cargo-nextest (some minutes, once)'
    cargo install cargo-nextest --locked --quiet --debug --root .tools
fi

missing=()
have_postgres || missing+=(postgresql)
have_sumdb || missing+=(golang-go golang-golang-x-mod-dev)
.tools/venv/bin/python -c 'import cryptography, securesystemslib.dsse' 2>/dev/null || missing+=(securesystemslib)
for tool in bsdtar tar strace faketime openssl cargo-nextest .tools/venv/bin/agentskills; do
    have "$tool" || [ -x ".tools/bin/$tool" ] || missing+=("$tool")
done
if [ ${#missing[@]} -gt 0 ]; then
    say "still missing: ${missing[*]}"
    [ -z "${CI:-}" ] || exit 1
fi
