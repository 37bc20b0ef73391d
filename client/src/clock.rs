//! What time it is. Time enters commands as a [`Clock`], so that tests can stand still.

use skill_schema::time::Timestamp;

/// A source of the present time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The system's clock.
    System,
    /// Always this time: `SOURCE_DATE_EPOCH`, and tests.
    Fixed(Timestamp),
}

impl Clock {
    /// The present time; a system clock before 1970 reads as 1970.
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn now(self) -> Timestamp {
        match self {
            Self::Fixed(time) => time,
            Self::System => {
                let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
                Timestamp::from_unix(since.map_or(0, |d| d.as_secs()))
            }
        }
    }
}
