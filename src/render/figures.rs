//! Figures as people read them: durations, counts, speeds.

/// A duration given in milliseconds: `62 ms`, `0.41 s`, `12.3 s`, `2 min 05 s`,
/// `1 h 02 min`. Half a step rounds up, and a figure that rounds to the next
/// form takes it: never `60.0 s`.
pub fn duration(ms: f64) -> String {
    if steps(ms, 1.0) < 100 {
        return format!("{} ms", steps(ms, 1.0));
    }
    let hundredths = steps(ms, 10.0);
    if hundredths < 1_000 {
        return format!("{}.{:02} s", hundredths / 100, hundredths % 100);
    }
    let tenths = steps(ms, 100.0);
    if tenths < 600 {
        return format!("{}.{} s", tenths / 10, tenths % 10);
    }
    let seconds = steps(ms, 1_000.0);
    if seconds < 3_600 {
        return format!("{} min {:02} s", seconds / 60, seconds % 60);
    }
    let minutes = steps(ms, 60_000.0);
    format!("{} h {:02} min", minutes / 60, minutes % 60)
}

/// A count: plain digits below 10,000, groups of three from there.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    if number < 10_000 {
        return digits;
    }
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Tokens a second: whole numbers from ten on, below it one decimal.
pub fn speed(tokens_per_second: f64) -> String {
    let tenths = steps(tokens_per_second, 0.1);
    if tenths < 100 {
        return format!("{}.{} tok/s", tenths / 10, tenths % 10);
    }
    format!("{} tok/s", count(steps(tokens_per_second, 1.0)))
}

/// How many steps of a size a figure has, rounded; nothing below zero.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, NaN is 0")]
fn steps(figure: f64, size: f64) -> u64 {
    (figure / size).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_figures_or_so() {
        for (ms, text) in [
            (0.0, "0 ms"),
            (4.2, "4 ms"),
            (14.9, "15 ms"),
            (99.4, "99 ms"),
            (99.5, "0.10 s"),
            (405.0, "0.41 s"),
            (1_322.4, "1.32 s"),
            (9_994.0, "9.99 s"),
            (9_996.0, "10.0 s"),
            (12_345.0, "12.3 s"),
            (59_940.0, "59.9 s"),
            (59_960.0, "1 min 00 s"),
            (125_000.0, "2 min 05 s"),
            (3_599_400.0, "59 min 59 s"),
            (3_599_600.0, "1 h 00 min"),
            (3_720_000.0, "1 h 02 min"),
            (-1.0, "0 ms"),
            (f64::NAN, "0 ms"),
        ] {
            assert_eq!(duration(ms), text);
        }
        assert!(duration(f64::INFINITY).ends_with(" min"));
    }

    #[test]
    fn counts_are_grouped_from_ten_thousand() {
        let texts = [0, 312, 9_999, 10_000, 123_456, 1_234_567, u64::MAX].map(count);
        let expected = ["0", "312", "9999", "10,000", "123,456", "1,234,567", "18,446,744,073,709,551,615"];
        assert_eq!(texts, expected);
    }

    #[test]
    fn speeds_keep_two_figures() {
        assert_eq!(
            [0.42, 7.44, 9.94, 9.96, 96.4, 1_234.4, 12_345.0].map(speed),
            ["0.4 tok/s", "7.4 tok/s", "9.9 tok/s", "10 tok/s", "96 tok/s", "1234 tok/s", "12,345 tok/s"]
        );
    }
}
