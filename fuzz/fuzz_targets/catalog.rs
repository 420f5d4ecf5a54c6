//! What a refresh reads: any text as a source over a small catalog, and as the
//! file in the cache.
#![no_main]

use std::sync::LazyLock;

use jiff::civil::{Date, date};
use libfuzzer_sys::fuzz_target;
use pollm::catalog::Catalog;
use pollm::catalog::refresh::{SourceText, apply};

const TODAY: Date = date(2026, 11, 24);

static SMALL: LazyLock<Catalog> = LazyLock::new(|| {
    Catalog::with_text(include_str!("../../tests/fixtures/catalog/small.json").to_owned())
        .expect("the catalog is sound")
});

/// Everything that a start and `pollm models` look at.
fn look_at(catalog: &Catalog) {
    for provider in catalog.providers() {
        catalog.models(&provider.id);
    }
    catalog.aliases();
    catalog.sources();
}

fuzz_target!(|text: &str| {
    let Ok(source) = SourceText::new("list.json", text.as_bytes().to_vec()) else { return };
    if let Ok((refreshed, _)) = apply(&SMALL, &[source], TODAY) {
        let refreshed = Catalog::with_text(refreshed).expect("a refreshed catalog can be read");
        refreshed.check().expect("and all of it");
        look_at(&refreshed);
        for model in refreshed.ids() {
            assert!(!model.to_string().contains(char::is_control), "{model:?}");
        }
    }
    if let Ok(catalog) = Catalog::with_text(text.to_owned()) {
        let _ = catalog.check();
        look_at(&catalog);
    }
});
