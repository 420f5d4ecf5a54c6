//! Moments as people type them.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _, Zoned};

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

/// An edge of a span of time, as people name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// So many days, today included.
    Days(i64),
    /// So many hours before now.
    Hours(i64),
    /// The day before today.
    Yesterday,
    /// A day of the calendar.
    Day(Date),
    /// A moment.
    Moment(Timestamp),
}

/// Reads `7d`, `2w`, `12h`, `today`, `yesterday`, a date or a time. Days are
/// those of the user's own time zone.
///
/// # Errors
/// Where the text is none of them.
pub fn parse_edge(text: &str) -> Result<Edge, String> {
    let text = text.trim();
    let wrong = || {
        format!("`{text}` is neither `today`, an age such as `7d` or `12h`, nor a date such as `2026-11-01`")
    };
    match text {
        "today" => return Ok(Edge::Days(1)),
        "yesterday" => return Ok(Edge::Yesterday),
        _ => {}
    }
    if let Ok(day) = text.parse() {
        return Ok(Edge::Day(day));
    }
    if let Ok(moment) = text.parse() {
        return Ok(Edge::Moment(moment));
    }
    let (at, unit) = text.char_indices().next_back().ok_or_else(wrong)?;
    let number: i64 =
        text[..at].parse().ok().filter(|number| (1..=100_000).contains(number)).ok_or_else(wrong)?;
    match unit {
        'h' => Ok(Edge::Hours(number)),
        'd' => Ok(Edge::Days(number)),
        'w' => Ok(Edge::Days(number * 7)),
        _ => Err(wrong()),
    }
}

impl Edge {
    /// The first moment of a span that begins here.
    pub fn start(self, now: &Zoned) -> Option<Timestamp> {
        match self {
            Self::Days(days) => midnight(now.date().checked_sub((days - 1).days()).ok()?, now),
            Self::Hours(hours) => now.timestamp().checked_sub(SignedDuration::from_hours(hours)).ok(),
            Self::Yesterday => midnight(now.date().yesterday().ok()?, now),
            Self::Day(day) => midnight(day, now),
            Self::Moment(moment) => Some(moment),
        }
    }

    /// The first moment after a span that ends here: that of a day is whole.
    pub fn end(self, now: &Zoned) -> Option<Timestamp> {
        match self {
            Self::Days(days) => midnight(now.date().checked_sub((days - 2).days()).ok()?, now),
            Self::Yesterday => midnight(now.date(), now),
            Self::Day(day) => midnight(day.tomorrow().ok()?, now),
            Self::Hours(_) | Self::Moment(_) => self.start(now),
        }
    }
}

/// The first moment of a day, which is not midnight everywhere.
fn midnight(day: Date, now: &Zoned) -> Option<Timestamp> {
    day.to_zoned(now.time_zone().clone()).ok().map(|day| day.timestamp())
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

    #[test]
    fn spans_are_of_whole_days_where_the_user_lives() {
        // The day before, clocks went back in Berlin: it had 25 hours.
        let now: Zoned = "2026-10-26T09:30:00[Europe/Berlin]".parse().unwrap();
        let start = |text: &str| parse_edge(text).unwrap().start(&now).unwrap().to_string();
        let end = |text: &str| parse_edge(text).unwrap().end(&now).unwrap().to_string();
        assert_eq!(
            (start("today"), end("today")),
            ("2026-10-25T23:00:00Z".into(), "2026-10-26T23:00:00Z".into())
        );
        assert_eq!(
            (start("2d"), start("yesterday")),
            ("2026-10-24T22:00:00Z".into(), "2026-10-24T22:00:00Z".into())
        );
        assert_eq!(end("yesterday"), "2026-10-25T23:00:00Z");
        assert_eq!(start("1w"), "2026-10-19T22:00:00Z");
        assert_eq!(start("12h"), "2026-10-25T20:30:00Z");
        assert_eq!(
            (start("2026-10-25"), end("2026-10-25")),
            ("2026-10-24T22:00:00Z".into(), "2026-10-25T23:00:00Z".into())
        );
        assert_eq!(end("2026-10-25T12:00:00Z"), "2026-10-25T12:00:00Z");
        for wrong in ["", "d", "7", "0d", "-1d", "7y", "3é", "99999999999999999999d", "tomorrow"] {
            assert!(parse_edge(wrong).is_err(), "{wrong}");
        }
    }
}
