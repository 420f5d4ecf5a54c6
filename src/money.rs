//! Tokens, prices, costs and what one answer costs: exact integers, no floats.
//!
//! A price has at most nine decimals of USD per million tokens, which is
//! 1e-15 USD a token. A cost counts units of 1e-18 USD, three digits finer, so
//! that multipliers such as a half for batches stay exact; an `i128` of them
//! reaches 1.7e20 USD.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Mul, Sub};

mod bill;
mod usage;

pub use bill::{Bill, CostSource};
pub use usage::{Usage, UsageSource};

/// A number of tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tokens(pub u64);

impl Add for Tokens {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

/// Saturates at zero: providers are known to report parts larger than their
/// whole (reasoning 11 of 10 output tokens was recorded).
impl Sub for Tokens {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// USD per million tokens, in units of 1e-9 USD per million (1e-15 USD a token).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Price(i64);

/// An amount of USD in units of 1e-18.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cost(i128);

/// A factor with at most four decimals: a batch discount, an off-peak schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Factor(i64);

/// Text that is not a plain, non-negative decimal of a size that can be kept exactly.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an amount that can be kept exactly")]
pub struct InvalidAmount(pub String);

/// Splits a decimal (`3`, `0.075`, `1.2e-05`) into its digits and the power of
/// ten that they are multiplied by.
fn digits_and_power(text: &str) -> Result<(i128, i32), InvalidAmount> {
    let invalid = || InvalidAmount(text.to_owned());
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| invalid())?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = || whole.bytes().chain(fraction.bytes());
    if digits().next().is_none() || !digits().all(|b| b.is_ascii_digit()) || whole.is_empty() {
        return Err(invalid());
    }
    let mut value: i128 = 0;
    for digit in digits() {
        let digit = i128::from(digit - b'0');
        value = value.checked_mul(10).and_then(|v| v.checked_add(digit)).ok_or_else(invalid)?;
    }
    let fraction_len = i32::try_from(fraction.len()).map_err(|_| invalid())?;
    Ok((value, exponent.checked_sub(fraction_len).ok_or_else(invalid)?))
}

/// Reads a decimal as an integer of `10^-scale`. Digits beyond the scale must
/// be zeros: nothing is ever rounded.
fn parse_decimal(text: &str, scale: i32) -> Result<i128, InvalidAmount> {
    let invalid = || InvalidAmount(text.to_owned());
    let (value, power) = digits_and_power(text)?;
    let shift = scale.checked_add(power).ok_or_else(invalid)?;
    if value == 0 {
        return Ok(0);
    }
    let power = 10_i128.checked_pow(shift.unsigned_abs()).ok_or_else(invalid)?;
    if shift >= 0 {
        value.checked_mul(power).ok_or_else(invalid)
    } else if value % power == 0 {
        Ok(value / power)
    } else {
        Err(invalid())
    }
}

/// Writes an integer of `10^-scale` as a plain decimal without trailing zeros.
fn format_decimal(value: i128, scale: usize) -> String {
    let digits = format!("{:0width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let fraction = fraction.trim_end_matches('0');
    let sign = if value < 0 { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

impl Price {
    /// Free of charge, which is not the same as unknown.
    pub const ZERO: Self = Self(0);

    /// Reads USD per million tokens from its literal text.
    ///
    /// # Errors
    /// Where the text is no decimal or has more than nine decimals.
    pub fn per_million(text: &str) -> Result<Self, InvalidAmount> {
        let units = parse_decimal(text, 9)?;
        i64::try_from(units).map(Self).map_err(|_| InvalidAmount(text.to_owned()))
    }

    /// Reads a price that a float may have passed through on its way here
    /// (`0.024999999999999998`), times `10^shift`: 6 for a price by the token.
    /// Digits beyond the ninth decimal are rounded half up.
    ///
    /// # Errors
    /// Where the text is no plain, non-negative decimal or too large.
    pub fn nearest(text: &str, shift: i32) -> Result<Self, InvalidAmount> {
        let invalid = || InvalidAmount(text.to_owned());
        let (value, power) = digits_and_power(text)?;
        let shift = power.checked_add(shift).and_then(|power| power.checked_add(9)).ok_or_else(invalid)?;
        let units = match 10_i128.checked_pow(shift.unsigned_abs()) {
            _ if value == 0 => 0,
            Some(power) if shift >= 0 => value.checked_mul(power).ok_or_else(invalid)?,
            Some(power) => value / power + i128::from(value % power >= power / 2),
            // Far below the smallest price, or far above the largest.
            None if shift < 0 => 0,
            None => return Err(invalid()),
        };
        i64::try_from(units).map(Self).map_err(|_| invalid())
    }
}

/// USD per million tokens as an exact decimal: `0.075`.
impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format_decimal(i128::from(self.0), 9))
    }
}

impl Mul<Tokens> for Price {
    type Output = Cost;
    fn mul(self, tokens: Tokens) -> Cost {
        Cost((i128::from(self.0) * i128::from(tokens.0)).saturating_mul(1_000))
    }
}

impl Factor {
    /// Units of a factor in one. Four decimals, since one provider's batch
    /// prices are published as 0.4667 of the others.
    const UNITS: i64 = 10_000;

    /// Changes nothing.
    pub const ONE: Self = Self(Self::UNITS);

    /// Reads a factor such as `0.5`.
    ///
    /// # Errors
    /// Where the text is no decimal or has more than four decimals.
    pub fn parse(text: &str) -> Result<Self, InvalidAmount> {
        let units = parse_decimal(text, 4)?;
        i64::try_from(units).map(Self).map_err(|_| InvalidAmount(text.to_owned()))
    }
}

/// The factor as an exact decimal: `0.5`.
impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format_decimal(i128::from(self.0), 4))
    }
}

impl Mul<Factor> for Price {
    type Output = Price;
    /// Rounds half up at 1e-15 USD a token; multiply the [`Cost`] where it must be exact.
    fn mul(self, factor: Factor) -> Price {
        let units = i128::from(Factor::UNITS);
        let product = i128::from(self.0) * i128::from(factor.0) + units / 2;
        Price(i64::try_from(product / units).unwrap_or(i64::MAX))
    }
}

impl Cost {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// Reads USD from its literal text, exponents included (`0.0133`, `3.6e-06`).
    ///
    /// # Errors
    /// Where the text is no decimal or has more than eighteen decimals.
    pub fn parse_usd(text: &str) -> Result<Self, InvalidAmount> {
        parse_decimal(text, 18).map(Self)
    }

    /// A cost of `units` × 1e-18 USD.
    pub const fn from_atto(units: i128) -> Self {
        Self(units)
    }

    /// The cost in units of 1e-18 USD.
    pub const fn atto(self) -> i128 {
        self.0
    }

    /// USD as an exact decimal without trailing zeros: `0.001904`.
    pub fn to_usd(self) -> String {
        format_decimal(self.0, 18)
    }

    /// For people: exact up to six decimals, then two significant digits, and
    /// never `$0.00` for something that is not zero.
    pub fn to_display(self) -> String {
        if self.0 < 0 {
            return format!("-{}", Self(self.0.saturating_neg()).to_display());
        }
        let exact = self.to_usd();
        let (whole, fraction) = exact.split_once('.').unwrap_or((&exact, ""));
        if fraction.len() <= 6 {
            return format!("${whole}.{fraction:0<2}");
        }
        let leading = fraction.len() - fraction.trim_start_matches('0').len();
        let decimals = if whole == "0" { (leading + 2).max(6) } else { 6 };
        let power = 10_i128.pow(u32::try_from(18 - decimals.min(18)).unwrap_or(0));
        let rounded = Self(self.0.saturating_add(power / 2) / power * power);
        let text = rounded.to_usd();
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        format!("${whole}.{fraction:0<2}")
    }

    /// Multiplies exactly where the product has no digits below 1e-18, else
    /// rounds half up there. Amounts too large for that saturate.
    #[must_use]
    pub fn scale(self, factor: Factor) -> Self {
        let units = i128::from(Factor::UNITS);
        match self.0.checked_mul(i128::from(factor.0)) {
            Some(product) => Self(product.saturating_add(units / 2).div_euclid(units)),
            None => Self(self.0.div_euclid(units).saturating_mul(i128::from(factor.0))),
        }
    }
}

impl Add for Cost {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Cost {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_and_costs_are_exact() {
        let price = Price::per_million("0.0375").unwrap();
        assert_eq!((price * Tokens(1)).to_usd(), "0.0000000375");
        assert_eq!((Price::per_million("3").unwrap() * Tokens(1_000_000)).to_usd(), "3");
        let tenth = Price::per_million("0.1").unwrap() * Tokens(1);
        assert_eq!([tenth; 3].into_iter().sum::<Cost>(), Price::per_million("0.3").unwrap() * Tokens(1));
        assert_eq!(price.to_string(), "0.0375");
        assert_eq!(Factor::parse("0.4667").unwrap().to_string(), "0.4667");
    }

    #[test]
    fn what_is_no_exact_amount_is_refused() {
        for text in
            ["", ".", ".5", "-1", "+1", "1.0000000001", "1e400", "NaN", "1,5", "0x1", "1e", "1e99999999999"]
        {
            assert!(Price::per_million(text).is_err(), "{text}");
        }
        assert_eq!(Price::per_million("1.0000000000").unwrap(), Price::per_million("1").unwrap());
    }

    #[test]
    fn exponents_are_read_exactly() {
        assert_eq!(Cost::parse_usd("3.6e-06").unwrap().to_usd(), "0.0000036");
        assert_eq!(Cost::parse_usd("1.2E-5").unwrap(), Cost::parse_usd("0.000012").unwrap());
        assert_eq!(Cost::parse_usd("2e2").unwrap().to_usd(), "200");
        assert_eq!(Cost::parse_usd("0e-40").unwrap(), Cost::ZERO);
    }

    #[test]
    fn noise_of_floats_is_rounded_away() {
        let nearest = |text, shift| Price::nearest(text, shift).map(|price| price.to_string());
        assert_eq!(nearest("0.024999999999999998", 0).unwrap(), "0.025");
        assert_eq!(nearest("0.04999999999999999", 0).unwrap(), "0.05");
        assert_eq!(nearest("0.0000015", 6).unwrap(), "1.5");
        assert_eq!(nearest("2.5e-7", 6).unwrap(), "0.25");
        assert_eq!(nearest("0.0000000005", 0).unwrap(), "0.000000001");
        assert_eq!(nearest("0.00000000049", 0).unwrap(), "0");
        assert_eq!(nearest("1e-99", 0).unwrap(), "0");
        assert_eq!(nearest("0e99", 0).unwrap(), "0");
        for text in ["-1", "1e99", "NaN", "", "\"1\"", "99999999999", "1e2147483647"] {
            assert!(Price::nearest(text, 6).is_err(), "{text}");
        }
    }

    #[test]
    fn half_of_the_smallest_price_stays_exact() {
        let smallest = Price::per_million("0.000000001").unwrap() * Tokens(1);
        assert_eq!(smallest.scale(Factor::parse("0.5").unwrap()).to_usd(), "0.0000000000000005");
    }

    #[test]
    fn amounts_beyond_any_bill_saturate() {
        let most = Price::per_million("9223372036").unwrap() * Tokens(u64::MAX);
        assert_eq!(most + most, Cost::from_atto(i128::MAX));
        for factor in ["1", "0.4667", "0.5", "2"] {
            assert!((most + most).scale(Factor::parse(factor).unwrap()) > Cost::ZERO);
        }
        assert!(Cost::from_atto(i128::MAX).to_display().starts_with('$'));
        assert!(Cost::from_atto(i128::MIN).to_display().starts_with("-$"));
    }

    #[test]
    fn people_never_read_zero_for_something() {
        let shown = |text: &str| Cost::parse_usd(text).unwrap().to_display();
        assert_eq!(shown("0.001904"), "$0.001904");
        assert_eq!(shown("0.00000075"), "$0.00000075");
        assert_eq!(shown("0.000000758"), "$0.00000076");
        assert_eq!(shown("0.0000000999"), "$0.0000001");
        assert_eq!(shown("1.5"), "$1.50");
        assert_eq!(shown("12"), "$12.00");
        assert_eq!(shown("0"), "$0.00");
        assert_eq!(shown("1.23456789"), "$1.234568");
        assert_eq!(shown("0.0280005"), "$0.028001");
        assert_eq!(shown("0.000000000000000001"), "$0.000000000000000001");
    }
}
