//! Moments as people type them.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Reads an RFC 3339 time, or a date, which is its first moment in UTC: prices
/// change at the days of UTC.
///
/// # Errors
/// Where the text is neither.
pub fn parse_at(text: &str) -> Result<Timestamp, String> {
    let text = text.trim();
    let of_day = |day: Date| day.to_zoned(TimeZone::UTC).ok().map(|day| day.timestamp());
    let moment = text.parse().ok().or_else(|| of_day(text.parse().ok()?));
    moment.ok_or_else(|| {
        "expected a time such as `2026-12-01T02:30:00Z`, or a date such as `2026-12-01`".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_dates_are_moments() {
        let at = |text: &str| parse_at(text).map(|at| at.to_string()).unwrap_or_default();
        assert_eq!(at("2026-12-01"), "2026-12-01T00:00:00Z");
        assert_eq!(at("2026-12-01T02:30:00Z"), "2026-12-01T02:30:00Z");
        assert_eq!(at("2026-12-01T02:30+08:00"), "2026-11-30T18:30:00Z");
        for wrong in ["", "tomorrow", "2026-13-01", "30d", "1764547200"] {
            assert!(parse_at(wrong).is_err(), "{wrong}");
        }
    }
}
