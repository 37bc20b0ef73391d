# The words of everyday work. `./test` and `./demo` need no just; `scripts/test-tools.sh` puts just into .tools/venv/bin.

# Lists these words.
default:
    @just --list

# Everything that CI checks.
ci:
    ./test

# All tests, or those whose name contains a word: `just test yank`.
test *words:
    cargo build --workspace --bins --tests
    cargo nextest run --workspace {{ words }}

# Formatting, spelling and lints.
lint:
    ./test format spelling lint

# Writes the generated documents (docs/errors.md, docs/cli.md) and the snapshots anew; look at the diff before committing.
docs:
    cargo build --workspace --bins --tests
    UPDATE_DOCS=1 INSTA_UPDATE=always cargo nextest run -p skill-tests

# A registry, three skills and an install, in a temporary folder.
demo *flags:
    ./demo {{ flags }}

# Everything that breaks in the middle, often: kills at every system call, failing and full disks, lost connections. Prints a table; an hour.
faults:
    cargo build --workspace --bins --tests
    SKILL_FAULTS=long cargo nextest run -p skill-tests --test faults --no-capture --no-fail-fast 2>&1 | grep -E '^fault|FAIL|Summary'
    SKILL_FAULT_TRIES=200 cargo nextest run -p skill-tests --test stories faults

# Throughput and waiting times beside the least that could do them; release build, so it takes minutes. `just bench reads`
bench *what:
    cargo build --release --workspace --bins
    cargo bench -p skill-tests --bench bench -- {{ what }}
