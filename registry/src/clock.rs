//! Where the time comes from: the one place of the registry that reads the system's clock.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use skill_schema::time::Timestamp;

/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds in an hour.
pub const HOUR: i64 = 3_600 * SECOND;
/// Microseconds in a day.
pub const DAY: i64 = 24 * HOUR;

/// Tells the time. Shared by all parts of a server; tests stand still with [`FixedClock`].
pub trait Clock: Send + Sync + 'static {
    /// Microseconds since 1970-01-01T00:00:00Z.
    fn micros(&self) -> i64;

    /// The same in whole seconds, as statements write it.
    fn timestamp(&self) -> Timestamp {
        timestamp(self.micros())
    }
}

/// The clock that a server is given.
pub type SharedClock = Arc<dyn Clock>;

/// Converts stored microseconds to the wire's whole seconds. Times before 1970 become 1970.
pub fn timestamp(micros: i64) -> Timestamp {
    Timestamp::from_unix(u64::try_from(micros / SECOND).unwrap_or(0))
}

/// Converts the wire's seconds to microseconds.
pub fn micros(time: Timestamp) -> i64 {
    i64::try_from(time.unix()).unwrap_or(i64::MAX / SECOND).saturating_mul(SECOND)
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)] // This is the clock that everything else is given.
    fn micros(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    }
}

/// A clock that stands still until it is set.
#[derive(Debug, Default)]
pub struct FixedClock(AtomicI64);

impl FixedClock {
    /// A clock that shows this time.
    pub fn at(time: Timestamp) -> Self {
        Self(AtomicI64::new(micros(time)))
    }

    /// Moves it forward.
    pub fn advance(&self, by_micros: i64) {
        self.0.fetch_add(by_micros, Ordering::SeqCst);
    }
}

impl Clock for FixedClock {
    fn micros(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_and_sent_times_agree_to_the_second() {
        let time: Timestamp = "2026-11-23T05:00:00Z".parse().unwrap();
        let clock = FixedClock::at(time);
        assert_eq!(clock.timestamp(), time);
        clock.advance(SECOND - 1);
        assert_eq!(clock.timestamp(), time);
        clock.advance(1);
        assert_eq!(clock.timestamp().unix(), time.unix() + 1);
        assert_eq!(timestamp(-5).unix(), 0);
    }
}
