//! Where a value stands on an axis, and which marks the axis has.

/// From this ratio on, the smallest values would lie on each other near zero.
const LOG_FROM: f64 = 15.0;

/// The most marks of an axis, so that their labels fit on a phone.
const MOST_MARKS: usize = 5;

/// An axis with even marks, or with a factor between them.
#[derive(Debug, PartialEq)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    /// Equal ratios are as far apart as equal differences are otherwise.
    pub(super) is_log: bool,
    /// The marks from low to high, with their figures as plain decimals.
    pub(super) marks: Vec<(f64, String)>,
}

impl Axis {
    /// An axis from zero, or one of ratios where the values ask for it.
    pub(super) fn of(values: &[f64]) -> Self {
        let positive = || values.iter().copied().filter(|value| value.is_finite() && *value > 0.0);
        let (low, high) = (positive().fold(f64::INFINITY, f64::min), positive().fold(0.0, f64::max));
        let all_positive = values.iter().all(|value| *value > 0.0);
        if all_positive && high / low >= LOG_FROM { Self::log(low, high) } else { Self::linear(values) }
    }

    /// An axis from zero to beyond the largest value.
    pub(super) fn linear(values: &[f64]) -> Self {
        let most = values.iter().copied().filter(|value| value.is_finite()).fold(0.0, f64::max);
        let most = if most > 0.0 { most } else { 1.0 };
        let power = (most / 4.0).log10().floor();
        let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * 10_f64.powf(power));
        let step = steps.into_iter().find(|step| most / step <= 4.0).unwrap_or(most);
        let marks: Vec<f64> = (0..=MOST_MARKS).map(|at| at as f64 * step).collect();
        let count = marks.iter().position(|mark| *mark >= most * 0.999).unwrap_or(MOST_MARKS);
        let marks = &marks[..=count];
        let labelled = marks.iter().map(|mark| (*mark, decimal(*mark, step))).collect();
        Self { low: 0.0, high: marks[count].max(most), is_log: false, marks: labelled }
    }

    fn log(low: f64, high: f64) -> Self {
        let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
        let candidates: Vec<f64> = (first..=last)
            .flat_map(|power| [1.0, 2.0, 5.0].map(|factor| factor * 10_f64.powi(power)))
            .collect();
        let from = candidates.iter().rposition(|mark| *mark <= low * 0.98).unwrap_or(0);
        let to = candidates.iter().position(|mark| *mark >= high * 1.05).unwrap_or(candidates.len() - 1);
        let within = &candidates[from..=to];
        let mut marks: Vec<f64> = within.to_vec();
        if marks.len() > MOST_MARKS {
            let tens: Vec<f64> = within.iter().copied().filter(|mark| is_power_of_ten(*mark)).collect();
            let every = tens.len().div_ceil(MOST_MARKS).max(1);
            marks = tens.into_iter().step_by(every).collect();
        }
        let labelled = marks.into_iter().map(|mark| (mark, decimal(mark, mark))).collect();
        Self { low: within[0], high: within[within.len() - 1], is_log: true, marks: labelled }
    }

    /// Where a value stands: 0 at the low end, 1 at the high one.
    pub(super) fn place(&self, value: f64) -> f64 {
        let place = if self.is_log {
            (value.ln() - self.low.ln()) / (self.high.ln() - self.low.ln())
        } else {
            (value - self.low) / (self.high - self.low)
        };
        if place.is_finite() { place.clamp(0.0, 1.0) } else { 0.0 }
    }
}

fn is_power_of_ten(value: f64) -> bool {
    let power = value.log10();
    (power - power.round()).abs() < 1e-9
}

/// A plain decimal with as many places as a step of that size needs.
fn decimal(value: f64, step: f64) -> String {
    let places = (-(step.log10() + 1e-9).floor()).clamp(0.0, 18.0) as usize;
    format!("{value:.places$}")
}

/// A share of a length as SVG takes it.
pub(super) fn percent(share: f64) -> String {
    format!("{:.2}%", share * 100.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(axis: &Axis) -> String {
        axis.marks.iter().map(|(_, label)| label.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn marks_are_round_numbers() {
        assert_eq!(labels(&Axis::of(&[0.4, 1.3, 3.1])), "0 1 2 3 4");
        assert_eq!(labels(&Axis::of(&[0.41, 0.38])), "0.0 0.2 0.4 0.6");
        assert_eq!(labels(&Axis::of(&[0.0, 0.002])), "0.0000 0.0005 0.0010 0.0015 0.0020");
        assert_eq!(labels(&Axis::of(&[1.0, 40.0])), "1 10");
        assert_eq!(labels(&Axis::of(&[0.00002, 0.03])), "0.00001 0.0001 0.001 0.01");
        assert_eq!(labels(&Axis::of(&[2.1, 37.0])), "2 5 10 20 50");
        assert_eq!(labels(&Axis::of(&[])), "0.0 0.5 1.0");
    }

    #[test]
    fn equal_ratios_are_equally_far_apart() {
        let axis = Axis::of(&[0.001, 1.0]);
        assert!(axis.is_log);
        let step = |a, b| axis.place(b) - axis.place(a);
        assert!((step(0.001, 0.01) - step(0.1, 1.0)).abs() < 1e-9);
        assert!(!Axis::of(&[0.0, 1.0, 1000.0]).is_log, "nothing has no place on an axis of ratios");
    }

    proptest! {
        #[test]
        fn every_value_stands_on_its_axis(values in prop::collection::vec(0.0_f64..1e20, 0..8)) {
            for axis in [Axis::of(&values), Axis::linear(&values)] {
                prop_assert!(axis.marks.len() <= MOST_MARKS + 1 && !axis.marks.is_empty());
                prop_assert!(axis.high.is_finite() && axis.high > axis.low);
                let mut sorted = values.clone();
                sorted.sort_by(f64::total_cmp);
                let places: Vec<f64> = sorted.iter().map(|value| axis.place(*value)).collect();
                prop_assert!(places.is_sorted() && places.iter().all(|place| (0.0..=1.0).contains(place)));
            }
        }
    }
}
