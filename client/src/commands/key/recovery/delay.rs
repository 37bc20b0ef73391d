//! How long owners can object to a recovery, as people write it.

use skill_schema::statement::{MAX_RECOVERY_DELAY, MIN_RECOVERY_DELAY};

/// Reads `72h` or `3d` as hours.
pub(super) fn read(text: &str) -> Result<u64, String> {
    let expected = || "hours or days are expected, from 24h to 90d".to_owned();
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(expected)?;
    let hours = match unit {
        "h" => 1,
        "d" => 24,
        _ => return Err(expected()),
    };
    let digits = number.bytes().all(|b| b.is_ascii_digit());
    let number = number.parse::<u64>().ok().filter(|_| digits).and_then(|number| number.checked_mul(hours));
    number.filter(|hours| (MIN_RECOVERY_DELAY..=MAX_RECOVERY_DELAY).contains(hours)).ok_or_else(expected)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_delay_is_in_hours_or_days_within_the_limits() {
        for (text, hours) in [("24h", 24), ("72h", 72), ("1d", 24), ("90d", 2160), ("2160h", 2160)] {
            assert_eq!(read(text), Ok(hours), "{text}");
        }
        for bad in
            ["", "h", "72", "0d", "23h", "91d", "2161h", "-1d", "+3d", "3w", "3 d", "99999999999999999999d", "3ä"]
        {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
