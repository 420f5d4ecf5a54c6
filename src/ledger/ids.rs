//! Ids as people type them: the first letters of a ULID, in any case.

use rusqlite::{Connection, params};
use ulid::{ULID_LEN, Ulid};

/// The fewest letters that are taken for an id.
pub(super) const SHORTEST: usize = 4;

/// How many candidates an error about an ambiguous prefix lists.
pub(super) const LISTED: usize = 5;

/// The ids that begin with a prefix lie between two ids, both included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) first: String,
    pub(super) last: String,
}

impl Range {
    /// `None` where the text is no prefix of an id.
    pub(super) fn of(prefix: &str) -> Option<Self> {
        // In Crockford's alphabet, letters that look like digits are these digits.
        let typed = prefix.trim().to_ascii_uppercase().replace('O', "0").replace(['I', 'L'], "1");
        if !typed.is_ascii() || !(SHORTEST..=ULID_LEN).contains(&typed.len()) {
            return None;
        }
        let padded = |fill: &str| {
            let text = format!("{typed}{}", fill.repeat(ULID_LEN - typed.len()));
            let id = Ulid::from_string(&text).ok()?.to_string();
            // 26 letters hold more bits than an id has.
            id.starts_with(&typed).then_some(id)
        };
        Some(Self { first: padded("0")?, last: padded("Z")? })
    }
}

/// The calls whose ids begin so: `seq` and id, newest first, a few at most.
pub(super) fn calls(connection: &Connection, range: &Range) -> rusqlite::Result<Vec<(i64, Ulid)>> {
    let limit = i64::try_from(LISTED).unwrap_or(i64::MAX);
    connection
        .prepare("SELECT seq, id FROM calls WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT ?3")?
        .query_map(params![range.first, range.last, limit], |row| {
            Ok((row.get("seq")?, super::columns::ulid(row, "id")?))
        })?
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_spans_every_id_that_begins_with_it() {
        let id = Ulid::from_string("01KATQ3ZN8Y6V5B3D2F1G0H9J8").unwrap().to_string();
        for length in SHORTEST..=ULID_LEN {
            let range = Range::of(&id[..length].to_lowercase()).unwrap();
            assert!(range.first <= id && id <= range.last, "{length}");
        }
        let other = Range::of("01KB").unwrap();
        assert!(id < other.first);
        assert_eq!(Range::of("O1ka"), Range::of("01KA"));
    }

    #[test]
    fn what_is_no_prefix_is_refused() {
        for text in ["", "01K", "01K%", "01K_A", "01KÄÄ", "01KU", "8000", "01KATQ3ZN8Y6V5B3D2F1G0H9J8X"] {
            assert_eq!(Range::of(text), None, "{text}");
        }
    }
}
