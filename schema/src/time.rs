//! Times on the wire: RFC 3339 in UTC with whole seconds and `Z`, 20 characters. Clocks are read elsewhere.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Seconds since 1970-01-01T00:00:00Z, between the years 1970 and 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

/// The text is not a time of the form `2026-11-23T00:00:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a time of the form 2026-11-23T00:00:00Z")]
pub struct NotATime;

/// The last second of the year 9999.
const MAX: u64 = 253_402_300_799;

impl Timestamp {
    /// From seconds since the epoch; times past the year 9999 become its last second.
    pub fn from_unix(seconds: u64) -> Self {
        Self(seconds.min(MAX))
    }

    /// Seconds since the epoch.
    pub fn unix(self) -> u64 {
        self.0
    }
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar (Howard Hinnant, "chrono-compatible low-level date
/// algorithms", `days_from_civil`), for years from 1970 on.
fn days_from_civil(year: u64, month: u64, day: u64) -> u64 {
    let y = if month <= 2 { year - 1 } else { year };
    let (era, yoe) = (y / 400, y % 400);
    let doy = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 719_468
}

/// The inverse of [`days_from_civil`] (`civil_from_days`).
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.0 / 86_400);
        let s = self.0 % 86_400;
        write!(f, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", s / 3_600, s / 60 % 60, s % 60)
    }
}

impl FromStr for Timestamp {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, NotATime> {
        let bytes = text.as_bytes();
        if bytes.len() != 20 || !text.is_ascii() {
            return Err(NotATime);
        }
        let number = |from: usize, to: usize| -> Result<u64, NotATime> {
            let part = &bytes[from..to];
            if !part.iter().all(u8::is_ascii_digit) {
                return Err(NotATime);
            }
            Ok(part.iter().fold(0, |n, b| n * 10 + u64::from(b - b'0')))
        };
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        if year < 1970 || !(1..=12).contains(&month) || day == 0 || hour > 23 || minute > 59 || second > 59 {
            return Err(NotATime);
        }
        let time = Self(days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second);
        // One comparison checks the separators and the length of the month.
        if time.to_string() == text { Ok(time) } else { Err(NotATime) }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_392_000, "2026-11-23T00:00:00Z"),
            (MAX, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(Timestamp::from_unix(seconds).to_string(), text);
            assert_eq!(text.parse(), Ok(Timestamp::from_unix(seconds)));
        }
    }

    #[test]
    fn malformed_times_are_refused() {
        for bad in [
            "",
            "2026-11-23T00:00:00",
            "2026-11-23T00:00:00.0Z",
            "2026-11-23 00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-11-23T24:00:00Z",
            "2026-11-23T00:00:60Z",
            "1969-12-31T23:59:59Z",
            "2026-11-23T00:00:00z",
        ] {
            assert_eq!(bad.parse::<Timestamp>(), Err(NotATime), "{bad}");
        }
    }
}
