//! Files of `--prompts`, of all three kinds.
#![no_main]

use std::collections::HashSet;

use libfuzzer_sys::fuzz_target;
use pollm::prompt::{ListKind, parse_list};

fuzz_target!(|bytes: &[u8]| {
    for kind in [ListKind::Lines, ListKind::JsonLines, ListKind::Table] {
        let Ok(items) = parse_list(kind, "prompts", bytes.to_vec()) else { continue };
        assert!(!items.is_empty());
        assert!(items.iter().all(|item| !item.prompt.trim().is_empty()));
        assert!(items.is_sorted_by(|a, b| a.line < b.line), "{items:?}");
        let ids: HashSet<&str> = items.iter().map(|item| item.id.as_str()).collect();
        assert_eq!(ids.len(), items.len(), "two of {items:?} have one id");
    }
});
