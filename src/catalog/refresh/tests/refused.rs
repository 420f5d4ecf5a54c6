//! Sources that look wrong: none is used, and each says why.

use super::*;

fn problem(from: SourceText) -> Problem {
    apply(&small(), &[from], today()).unwrap_err().problem
}

fn text(text: &str) -> SourceText {
    SourceText::new("list.json", text.as_bytes().to_vec()).unwrap()
}

#[test]
fn what_is_no_list_is_refused() {
    assert_eq!(problem(text("<!doctype html><title>504</title>")), Problem::Html);
    assert_eq!(problem(text("\u{feff}\n <html>")), Problem::Html);
    assert_eq!(problem(text("")), Problem::Truncated);
    assert!(matches!(problem(text("{\"openai\": oops}")), Problem::NotJson(_)));
    for other in ["{}", "[]", "7", "\"models\"", "{\"error\":\"busy\"}", "[1]", "{\"data\":[{\"id\":1}]}"] {
        let problem = problem(text(other));
        let refused = matches!(problem, Problem::UnknownShape | Problem::MissingProvider(_));
        assert!(refused || matches!(problem, Problem::TooFewModels { .. }), "{other}: {problem:?}");
    }
    let list = source(&models_dev()).text;
    for end in (1..list.len()).filter(|end| list.is_char_boundary(*end)) {
        assert_eq!(problem(text(&list[..end])), Problem::Truncated, "cut at {end}");
    }
}

#[test]
fn what_is_too_large_or_no_text_is_refused() {
    let refused = |bytes| SourceText::new("big", bytes).unwrap_err().problem;
    assert_eq!(refused(vec![b' '; 40 * 1024 * 1024]), Problem::TooLarge);
    assert_eq!(refused(vec![0xff, 0xfe]), Problem::NotText);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("list.json");
    File::create(&path).unwrap().set_len(40 * 1024 * 1024).unwrap();
    assert_eq!(SourceText::from_file(&path).unwrap_err().problem, Problem::TooLarge);
    let missing = SourceText::from_file(&dir.path().join("none.json")).unwrap_err();
    assert!(matches!(missing.problem, Problem::File(_)), "{missing}");
}

#[test]
fn a_list_that_lost_its_shape_or_its_models_is_refused() {
    let without = |provider: &str| edited(|list| _ = list.as_object_mut().unwrap().remove(provider));
    assert_eq!(problem(without("openai")), Problem::MissingProvider("openai".into()));
    let empty = edited(|list| list["deepseek"]["models"] = json!({}));
    assert_eq!(problem(empty), Problem::MissingProvider("deepseek".into()));
    // A gateway may go; its models then stay as they are.
    assert!(lines(without("openrouter")).is_empty());
    let few = edited(|list| {
        let openai = list["openai"]["models"].as_object_mut().unwrap();
        openai.retain(|id, _| id == "large");
    });
    assert_eq!(problem(few), Problem::TooFewModels { before: 6, now: 3 });
    let renamed = SourceText::new(
        "list.json",
        source(&models_dev()).text.replace("\"models\"", "\"entries\"").into_bytes(),
    );
    assert_eq!(problem(renamed.unwrap()), Problem::UnknownShape);
    let reshaped = edited(|list| list["openai"]["models"]["large"]["cost"] = json!([2, 10]));
    assert!(matches!(problem(reshaped), Problem::Unreadable { name, .. } if name == "openai/large"));
}

#[test]
fn prices_that_cannot_be_right_are_refused() {
    for odd in ["-1", "-0.5", "1e999", "2000.01", "1000000", "\"0.5\"", "true", "[1]"] {
        let list = source(&models_dev()).text.replace("\"input\":0.15", &format!("\"input\":{odd}"));
        let problem = problem(text(&list));
        assert!(matches!(&problem, Problem::OddPrice { price, .. } if price == odd), "{odd}: {problem:?}");
    }
    let list = source(&models_dev()).text.replace("\"input\":0.15", "\"input\":NaN");
    assert!(matches!(problem(text(&list)), Problem::NotJson(_)));
    // Nobody asks for what a reseller wants.
    assert!(
        lines(edited(|list| list["a-reseller"]["models"]["large"]["cost"]["input"] = json!(-1))).is_empty()
    );
}

#[test]
fn a_list_older_than_the_one_that_is_known_is_refused() {
    let old = |day: &str| text(&source(&models_dev()).text.replace("2026-11-20", day));
    assert_eq!(
        problem(old("2026-07-01")),
        Problem::Older { date: day("2026-07-01"), known: day("2026-11-20") }
    );
    assert!(lines(old("2026-11-10")).is_empty());
    // Announced for later: no day that a list could be of.
    assert!(lines(old("2027-11-10")).is_empty());
    // Other days say nothing of the list.
    let undated =
        source(&models_dev()).text.replace("2026-11-20", "2026-07-01").replace("last_updated", "at");
    assert!(lines(text(&undated)).is_empty());
}

#[test]
fn every_price_of_a_catalog_is_looked_at() {
    for (known, odd) in [
        (r#""r":0.2"#, r#""r":2001"#),
        (r#""b":0.5"#, r#""b":{"i":1,"o":2001}"#),
        (r#""b":0.5"#, r#""t":[[1000,{"i":2,"r":2001}]]"#),
    ] {
        assert!(SMALL.contains(known), "{known}");
        let problem = problem(text(&SMALL.replace(known, odd)));
        assert!(matches!(&problem, Problem::OddPrice { price, .. } if price == "2001"), "{problem:?}");
    }
}

#[test]
fn a_catalog_of_a_day_to_come_is_refused() {
    let of = |day: &str| text(&SMALL.replace("\"gen\":\"2026-11-22\"", &format!("\"gen\":\"{day}\"")));
    assert_ne!(of("2099-01-01"), text(SMALL));
    assert_eq!(problem(of("2099-01-01")), Problem::Future(day("2099-01-01")));
    assert_eq!(problem(of("2026-11-26")), Problem::Future(day("2026-11-26")));
    // Where the clock is ahead.
    assert!(lines(of("2026-11-25")).is_empty());
}

#[test]
fn one_bad_source_spoils_all() {
    let good = edited(|list| list["openai"]["models"]["large"]["cost"]["input"] = json!(1));
    let error = apply(&small(), &[good, text("<html>")], today()).unwrap_err();
    assert_eq!(error.to_string(), "`list.json` can't be used: it is a web page, not a list of models");
}
