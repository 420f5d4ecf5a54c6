//! How a piece of text looks, in the 16 colours that every terminal has and
//! that its theme makes readable on dark and on light.

use std::fmt::Write as _;

/// A set of attributes and a colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Face {
    /// One bit an attribute, in the order of [`ATTRIBUTES`].
    attributes: u8,
    /// An SGR foreground code; 0 where the terminal's own is meant.
    color: u8,
}

/// SGR codes of the attributes: bold, dim, italic, underline, strike.
const ATTRIBUTES: [u8; 5] = [1, 2, 3, 4, 9];

impl Face {
    pub(super) const PLAIN: Self = Self::of(0, 0);
    pub(super) const BOLD: Self = Self::of(1, 0);
    pub(super) const DIM: Self = Self::of(1 << 1, 0);
    pub(super) const ITALIC: Self = Self::of(1 << 2, 0);
    pub(super) const UNDERLINE: Self = Self::of(1 << 3, 0);
    pub(super) const STRIKE: Self = Self::of(1 << 4, 0);
    pub(super) const RED: Self = Self::of(0, 31);
    pub(super) const GREEN: Self = Self::of(0, 32);
    pub(super) const MAGENTA: Self = Self::of(0, 35);
    pub(super) const CYAN: Self = Self::of(0, 36);

    const fn of(attributes: u8, color: u8) -> Self {
        Self { attributes, color }
    }

    /// This face with another laid over it.
    #[must_use]
    pub(super) const fn with(self, over: Self) -> Self {
        let color = if over.color == 0 { self.color } else { over.color };
        Self::of(self.attributes | over.attributes, color)
    }

    /// Writes what turns a terminal that shows `self` into one that shows `next`.
    pub(super) fn change(self, next: Self, out: &mut String) {
        if self == next {
            return;
        }
        out.push_str("\x1b[");
        let mut separator = "";
        if self != Self::PLAIN {
            out.push('0');
            separator = ";";
        }
        let set = (0..ATTRIBUTES.len()).filter(|bit| next.attributes & (1 << bit) != 0);
        for code in set.map(|bit| ATTRIBUTES[bit]).chain((next.color != 0).then_some(next.color)) {
            let _ = write!(out, "{separator}{code}");
            separator = ";";
        }
        out.push('m');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(from: Face, to: Face) -> String {
        let mut out = String::new();
        from.change(to, &mut out);
        out
    }

    #[test]
    fn changes_are_short_and_complete() {
        let link = Face::BOLD.with(Face::UNDERLINE).with(Face::CYAN);
        assert_eq!(changed(Face::PLAIN, Face::PLAIN), "");
        assert_eq!(changed(Face::PLAIN, link), "\x1b[1;4;36m");
        assert_eq!(changed(link, Face::ITALIC), "\x1b[0;3m");
        assert_eq!(changed(link, Face::PLAIN), "\x1b[0m");
        assert_eq!(Face::RED.with(Face::GREEN).with(Face::BOLD), Face::BOLD.with(Face::GREEN));
    }
}
