# The words of everyday work. `./test` and `./demo` need no just; `scripts/test-tools.sh` puts just into .tools/venv/bin.

# Lists these words.
default:
    @just --list

# Everything that CI checks.
ci:
    ./test

# All tests, or those whose name contains a word: `just test yank`.
test *words:
    cargo build --bins --tests
    cargo nextest run {{ words }}

# Formatting, spelling and lints.
lint:
    ./test format spelling lint

# Writes the generated documents (docs/errors.md, docs/cli.md) and the snapshots anew; look at the diff before committing.
docs:
    cargo build --bins --tests
    UPDATE_DOCS=1 INSTA_UPDATE=always cargo nextest run -p skill-tests

# A registry, three skills and an install, in a temporary folder.
demo *flags:
    ./demo {{ flags }}

# Everything that breaks in the middle, often: kills at every system call, failing and full disks, lost connections. Prints a table; an hour.
faults:
    cargo build --bins --tests
    SKILL_FAULTS=long cargo nextest run -p skill-tests --test faults --no-capture --no-fail-fast 2>&1 | grep --line-buffered -E '^fault|FAIL|Summary'
    SKILL_FAULT_TRIES=200 cargo nextest run -p skill-tests --test stories faults

# What other implementations make of ours, at length: a registry with 2,000 publishes is audited by Go's sumdb.
peers publishes="2000":
    cargo build --bins --tests
    SKILL_AUDIT_PUBLISHES={{ publishes }} cargo nextest run -p skill-tests --test peers --test conformance --success-output final
    cargo nextest run -p skill-bundle peers vectors signatures

# Each fuzz target for a while, by mutating known inputs. With cargo-fuzz and a nightly compiler: `cd fuzz && cargo +nightly fuzz run note`
fuzz seconds="60":
    cargo build --tests -p skill-bundle -p skill-client -p skill-registry
    SKILL_FUZZ_SECONDS={{ seconds }} cargo nextest run -p skill-bundle -p skill-client -p skill-registry --success-output final fuzz

# Throughput and waiting times beside the least that could do them; release build, so it takes minutes. `just bench reads`
bench *what:
    cargo build --release --bins
    cargo bench -p skill-tests --bench bench -- {{ what }}

# How often the gate publishes what is no better, beside other rules, and how often it finds what is. Prints a table; release build.
gate-sim loops="2000":
    cargo run --release -p skill-engine --example gate_sim -- {{ loops }}

# The harness of evals beside Inspect and promptfoo, which it installs into .tools/ where it can; release build.
bench-evals:
    scripts/eval-peers.sh
    cargo build --release -p skill-client --bins
    cargo bench -p skill-tests --bench bench -- evals

# The model engine against evaluating each prompt by itself: CPU seconds of one thread, ratios. Builds the worker, fetches the small
# model. With the profile and features of `./test`, in which the engine is optimised, so that llama.cpp is not compiled once more.
bench-engine:
    scripts/engine-tools.sh
    cargo bench --locked --profile dev --workspace --bench engine
