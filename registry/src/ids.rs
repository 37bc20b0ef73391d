//! Fresh identifiers and secrets: the one place of the registry that draws randomness.

use std::sync::{
    LazyLock,
    atomic::{AtomicU64, Ordering},
};

use uuid::Builder;

use crate::error::Error;

/// A new row id: a UUIDv7 as text, ordered by the time that the caller's clock shows.
///
/// Fails only if the system has no randomness.
pub fn row_id(now_micros: i64) -> Result<String, Error> {
    let millis = u64::try_from(now_micros / 1_000).unwrap_or(0);
    Ok(Builder::from_unix_timestamp_millis(millis, &random()?).into_uuid().to_string())
}

/// A new request id: random for the process, then counting, 32 hex digits.
pub fn request_id() -> String {
    static PROCESS: LazyLock<u64> = LazyLock::new(|| u64::from_le_bytes(random().unwrap_or_default()));
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{:016x}{:016x}", *PROCESS, NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Random bytes for a secret.
pub fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(std::io::Error::from).map_err(Error::io("the system's randomness"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_ids_sort_by_time_and_differ() {
        let early = row_id(1_000_000).unwrap();
        let late = row_id(2_000_000).unwrap();
        assert!(early < late);
        assert_ne!(row_id(1_000_000).unwrap(), early);
        assert_eq!(early.len(), 36);
    }
}
