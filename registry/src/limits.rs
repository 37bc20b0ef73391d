//! Every bound of the server, with its reason. What a package may be is in [`skill_schema::Limits`].

use std::time::Duration;

/// Bounds on connections, requests and work in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerLimits {
    /// How long a verifier may hold a job without saying that it is still at work.
    pub lease: Duration,
    /// Connections at a time: each costs a file descriptor and a read buffer.
    pub connections: usize,
    /// From the first byte of a request to the end of its headers: a slow sender must not hold a connection.
    pub header_time: Duration,
    /// Bytes of a request's line and headers together.
    pub header_bytes: usize,
    /// Number of header fields.
    pub header_count: usize,
    /// From the end of the headers to the end of the body: the largest package on a slow line needs minutes, no more.
    pub body_time: Duration,
    /// The longest silence inside a body.
    pub body_silence: Duration,
    /// Package checks at a time: each holds a package unpacked in memory (32 MiB) and a processor.
    pub checks: usize,
    /// Publish requests at a time, over all clients: each holds a temporary file.
    pub uploads: usize,
    /// How long requests in flight may take to finish after a signal to stop.
    pub shutdown: Duration,
    /// Bytes of index files kept in memory.
    pub index_cache: u64,
    /// Bytes of small blobs (statements) kept in memory.
    pub blob_cache: u64,
    /// How long an index file in memory may be older than the database's, if another server of the same database changed it.
    pub index_age: Duration,
    /// How long a token that was revoked by another process may still be accepted.
    pub token_age: Duration,
}

/// Bytes of a blob that is still kept in memory: every statement, and small packages.
pub const SMALL_BLOB: u64 = 64 * 1024;
/// Bytes of an archive in upload that stay in memory: times the uploads at a time, the memory that all of them can take.
pub const SMALL_UPLOAD: usize = 256 * 1024;
/// Bytes of a JSON body that is not a statement.
pub const JSON_BODY: usize = 16 * 1024;
/// Bytes of framing around the parts of a publish request: boundaries and part headers.
pub const MULTIPART_OVERHEAD: usize = 16 * 1024;
/// How far `created` of a statement may be from the registry's clock, in seconds (trust.md: 15 minutes).
pub const CLOCK_SKEW: u64 = 15 * 60;
/// How old a change of a scope may be that its owners sign, in seconds: a week, in which several people pass a file around.
pub const COSIGN_TIME: u64 = 7 * 24 * 3600;

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(skill_schema::api::worker::LEASE_SECONDS),
            connections: 4_096,
            header_time: Duration::from_secs(10),
            header_bytes: 32 * 1024,
            header_count: 64,
            body_time: Duration::from_mins(5),
            body_silence: Duration::from_secs(20),
            checks: std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
            uploads: 128,
            shutdown: Duration::from_secs(20),
            index_cache: 64 * 1024 * 1024,
            blob_cache: 64 * 1024 * 1024,
            index_age: Duration::from_secs(10),
            token_age: Duration::from_secs(5),
        }
    }
}
