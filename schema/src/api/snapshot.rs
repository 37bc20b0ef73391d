//! `GET /snapshot/{size}`. What the registry offered when its log had this many leaves: a line of JSON per skill, sorted by name, with the
//! last leaf that changed its index and the index's SHA-256. The operator signs the file's digest in a `snapshot` statement, which is
//! the leaf after; sizes between snapshots are 404. Public unless the registry's `auth` is `required`.

/// The route.
pub const ROUTE: &str = "/snapshot/{size}";

/// The path of a size.
pub fn path(size: u64) -> String {
    format!("/snapshot/{size}")
}
