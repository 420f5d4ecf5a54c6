//! Prices that change by the hour.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;
use jiff::{Span, ToSpan as _};

use crate::money::Factor;

/// How far ahead a change is looked for: longer than any row of holidays.
const HORIZON_DAYS: i64 = 30;

/// Windows of the week in which the list price holds; outside, it is
/// multiplied by a factor. All times are UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// What the price is multiplied by outside the windows.
    pub off_peak: Factor,
    /// The windows of a day: from, inclusive, to, exclusive.
    pub windows: Vec<(Time, Time)>,
    /// The weekdays that have windows: Monday is 1.
    pub weekdays: Vec<i8>,
    /// Days without windows, such as public holidays.
    pub not_on: Vec<Date>,
    /// The last day for which such days are known.
    pub known_through: Option<Date>,
    /// The rule in the source's words.
    pub note: Option<String>,
}

/// What a schedule says of one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phase {
    /// Whether the list price holds.
    pub peak: bool,
    /// What the list price is multiplied by.
    pub factor: Factor,
    /// False at what looks like peak hours after the last known holidays.
    pub certain: bool,
    /// When that changes next; `None` where no change is in sight.
    pub until: Option<Timestamp>,
}

/// The civil time in UTC.
pub(super) fn utc(at: Timestamp) -> DateTime {
    Offset::UTC.to_datetime(at)
}

impl Schedule {
    /// What holds at a moment.
    pub fn at(&self, at: Timestamp) -> Phase {
        let now = utc(at);
        let peak = self.is_peak(now);
        Phase {
            peak,
            factor: if peak { Factor::ONE } else { self.off_peak },
            certain: !peak || self.known_through.is_none_or(|last| now.date() <= last),
            until: self.next_change(now, peak),
        }
    }

    fn is_peak(&self, now: DateTime) -> bool {
        self.weekdays.contains(&now.date().weekday().to_monday_one_offset())
            && !self.not_on.contains(&now.date())
            && self.windows.iter().any(|(from, to)| (*from..*to).contains(&now.time()))
    }

    /// The first edge of a window after `now` behind which the other price holds.
    fn next_change(&self, now: DateTime, peak: bool) -> Option<Timestamp> {
        let mut edges: Vec<Time> = self.windows.iter().flat_map(|(from, to)| [*from, *to]).collect();
        edges.sort();
        (0..=HORIZON_DAYS)
            .filter_map(|days| now.date().checked_add(Span::new().try_days(days).ok()?).ok())
            .flat_map(|day| edges.iter().map(move |edge| day.to_datetime(*edge)))
            .find(|edge| *edge > now && self.is_peak(*edge) != peak)
            .and_then(|edge| Offset::UTC.to_timestamp(edge).ok())
    }
}

/// The day before.
pub(super) fn day_before(day: Date) -> Option<Date> {
    day.checked_sub(1.day()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule() -> Schedule {
        Schedule {
            off_peak: Factor::parse("0.5").unwrap(),
            windows: vec![
                (Time::constant(1, 0, 0, 0), Time::constant(4, 0, 0, 0)),
                (Time::constant(6, 0, 0, 0), Time::constant(10, 0, 0, 0)),
            ],
            weekdays: vec![1, 2, 3, 4, 5],
            not_on: vec!["2026-10-05".parse().unwrap()],
            known_through: Some("2026-12-31".parse().unwrap()),
            note: None,
        }
    }

    #[test]
    fn windows_begin_on_the_minute_and_end_before_it() {
        let schedule = schedule();
        // A Monday, minute by minute.
        for minute in 0..24 * 60 {
            let (hour, minute) = (minute / 60, minute % 60);
            let at = format!("2026-11-23T{hour:02}:{minute:02}:00Z").parse().unwrap();
            let peak = (1..4).contains(&hour) || (6..10).contains(&hour);
            assert_eq!(schedule.at(at).peak, peak, "{hour:02}:{minute:02}");
        }
        assert!(!schedule.at("2026-11-23T00:59:59.999999999Z".parse().unwrap()).peak);
        assert!(schedule.at("2026-11-23T03:59:59.999999999Z".parse().unwrap()).peak);
    }

    #[test]
    fn weekends_and_holidays_have_no_windows() {
        let at = |text: &str| schedule().at(text.parse().unwrap());
        for (day, peak) in [
            ("2026-11-20", true),
            ("2026-11-21", false),
            ("2026-11-22", false),
            ("2026-10-05", false),
            ("2026-10-06", true),
        ] {
            assert_eq!(at(&format!("{day}T02:30:00Z")).peak, peak, "{day}");
        }
    }

    #[test]
    fn a_peak_after_the_known_holidays_is_uncertain() {
        let at = |text: &str| schedule().at(text.parse().unwrap()).certain;
        assert!(at("2026-12-31T02:00:00Z"));
        assert!(!at("2027-01-01T02:00:00Z"));
        assert!(at("2027-01-01T05:00:00Z"));
    }

    #[test]
    fn the_next_change_skips_weekends_and_holidays() {
        let until = |text: &str| schedule().at(text.parse().unwrap()).until.unwrap().to_string();
        assert_eq!(until("2026-11-23T02:30:00Z"), "2026-11-23T04:00:00Z");
        assert_eq!(until("2026-11-23T04:00:00Z"), "2026-11-23T06:00:00Z");
        assert_eq!(until("2026-11-20T10:00:00Z"), "2026-11-23T01:00:00Z");
        assert_eq!(until("2026-10-02T12:00:00Z"), "2026-10-06T01:00:00Z");
    }
}
