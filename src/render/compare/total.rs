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

/// The same with what makes it uncertain: `≥ $1.23 (2 calls unpriced)`.
pub(super) fn long(total: &Total) -> String {
    let mut remarks = Vec::new();
    let mut remark = |count: u64, what: &str| {
        if count > 0 {
            remarks.push(format!("{count} {} {what}", if count == 1 { "call" } else { "calls" }));
        }
    };
    remark(total.unpriced, "unpriced");
    remark(total.possibly_billed, "possibly billed");
    if remarks.is_empty() { short(total) } else { format!("{} ({})", short(total), remarks.join(", ")) }
}
