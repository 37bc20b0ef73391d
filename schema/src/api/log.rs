//! `GET /log/checkpoint`, `GET /log/tile/{path}` and `GET /log/proof/{hash}`. The registry's Merkle log of all statements, in the layout
//! of C2SP tlog-tiles: a leaf is the bytes of an envelope. Public unless the registry's `auth` is `required`.
//!
//! `checkpoint` is a signed note (C2SP tlog-checkpoint, cosigned as in tlog-cosignature) and changes with every statement; tiles and
//! entry bundles never change. `proof` names a leaf by its hash (RFC 6962 §2.1, lower-case hex) and is a C2SP tlog-proof that leads to
//! the checkpoint of the moment.

use crate::Digest;

/// Route of the checkpoint, and the path.
pub const CHECKPOINT_ROUTE: &str = "/log/checkpoint";
/// Route of tiles and entry bundles; what follows `/log/` is their path.
pub const TILE_ROUTE: &str = "/log/tile/{*path}";
/// Route of proofs.
pub const PROOF_ROUTE: &str = "/log/proof/{hash}";

/// Path of the tile or bundle that is called so, `tile/0/000.p/5`.
pub fn tile_path(name: &impl std::fmt::Display) -> String {
    format!("/log/{name}")
}

/// Path of the proof of the leaf with this hash.
pub fn proof_path(leaf: &Digest) -> String {
    format!("/log/proof/{leaf}")
}
