//! Other implementations judge a whole registry, and we judge what they make.
//!
//! The peer is Go's `golang.org/x/mod/sumdb`, in a small program of our own (`sumdb.go`). Where Go or the package is missing, the tests
//! say that they are skipped; `scripts/test-tools.sh` installs both. `SKILL_AUDIT_PUBLISHES` says how much is published before the
//! audit (`just peers` asks for 2,000).

mod audit;
mod proofs;
mod sumdb;
