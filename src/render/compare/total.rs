//! What all calls cost together, in words.

use crate::comparison::Total;
use crate::money::Cost;

/// In a few characters: `$0.0123`, `~$0.0123`, `≥ $0.0123`, `?` where no price is known.
pub(super) fn short(total: &Total) -> String {
    let known = total.known.to_display();
    match (total.unpriced, total.approximate) {
        (0, false) => known,
        (0, true) => format!("~{known}"),
        _ if total.known == Cost::ZERO => "?".to_owned(),
        (_, false) => format!("≥ {known}"),
        (_, true) => format!("≥ ~{known}"),
    }
}
