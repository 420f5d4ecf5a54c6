use super::*;
use crate::money::{Bill, Tokens, Usage};
use crate::outcome::CountedUsage;

fn call(model: &'static str, at: &str, usd: Option<&str>, source: CostSource) -> Spent<'static> {
    let at: Timestamp = at.parse().unwrap();
    let usage =
        Usage { input_uncached: Tokens(10), cache_read: Tokens(5), output: Tokens(7), ..Usage::default() };
    Spent {
        started_ns: i64::try_from(at.as_nanosecond()).unwrap(),
        provider: "lab",
        model,
        command: "ask",
        usage: Some(CountedUsage { usage, source: UsageSource::Reported }),
        bill: Bill { cost: usd.map(|usd| Cost::parse_usd(usd).unwrap()), source, approximate: false },
        possibly_billed: false,
        effort: None,
        request_id: None,
    }
}

fn gather(by: By, zone: &str, calls: &[Spent<'_>]) -> Spending {
    let mut gatherer = Gatherer::new(by, TimeZone::get(zone).unwrap());
    calls.iter().for_each(|call| gatherer.add(call));
    gatherer.finish(None, None)
}

#[test]
fn days_are_those_of_the_users_zone() {
    use CostSource::Computed;
    // On 2026-10-25 clocks go back in Berlin, on 2026-03-29 forward.
    let calls = [
        call("a", "2026-10-25T22:59:59Z", Some("1"), Computed),
        call("a", "2026-10-24T22:00:00Z", Some("2"), Computed),
        call("a", "2026-10-25T23:00:00Z", Some("4"), Computed),
        call("a", "2026-03-29T21:59:59Z", Some("8"), Computed),
        call("a", "2026-03-29T22:00:00Z", Some("16"), Computed),
    ];
    let days = |zone| -> Vec<(String, String)> {
        let groups = gather(By::Day, zone, &calls).groups.into_iter();
        groups.map(|(day, sums)| (day, sums.total.known.to_usd())).collect()
    };
    let named = |day: &str, usd: &str| (day.to_owned(), usd.to_owned());
    assert_eq!(
        days("Europe/Berlin"),
        [
            named("2026-03-29", "8"),
            named("2026-03-30", "16"),
            named("2026-10-25", "3"),
            named("2026-10-26", "4")
        ]
    );
    assert_eq!(days("UTC"), [named("2026-03-29", "24"), named("2026-10-24", "2"), named("2026-10-25", "5")]);
}

#[test]
fn the_dearest_comes_first_and_nothing_unknown_is_nothing() {
    let calls = [
        call("cheap", "2026-11-01T00:00:00Z", Some("0.1"), CostSource::Computed),
        call("dear", "2026-11-01T00:00:00Z", Some("0.3"), CostSource::Billed),
        call("unknown", "2026-11-01T00:00:00Z", None, CostSource::Unknown),
        call("local", "2026-11-01T00:00:00Z", Some("0"), CostSource::Local),
    ];
    let spending = gather(By::Model, "UTC", &calls);
    let names: Vec<&str> = spending.groups.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["lab/dear", "lab/cheap", "lab/local", "lab/unknown"]);
    let known: Vec<_> = spending.groups.iter().map(|(_, sums)| sums.known().map(Cost::to_usd)).collect();
    assert_eq!(known, [Some("0.3".into()), Some("0.1".into()), Some("0".into()), None]);
    let shares: Vec<_> = spending.groups.iter().map(|(_, sums)| spending.share(sums, 1_000)).collect();
    assert_eq!(shares, [Some(750), Some(250), Some(0), None]);
    let all = spending.all;
    assert_eq!((all.calls, all.total.unpriced, all.free), (4, 1, 1));
    assert_eq!((all.billed.cost.to_usd(), all.computed.cost.to_usd()), ("0.3".to_owned(), "0.1".to_owned()));
    assert_eq!((all.input, all.cached, all.output), (60, 20, 28));
}

#[test]
fn shares_are_rounded_once() {
    let of = |model, usd| call(model, "2026-11-01T00:00:00Z", Some(usd), CostSource::Computed);
    let spending = gather(By::Model, "UTC", &[of("a", "0.0072"), of("b", "0.006")]);
    let shares: Vec<_> = spending.groups.iter().map(|(_, sums)| spending.share(sums, 100)).collect();
    assert_eq!(shares, [Some(55), Some(45)], "54.545… and 45.454… %");
}

#[test]
fn sums_beyond_all_reason_do_not_overflow() {
    let mut dear = call("a", "2026-11-01T00:00:00Z", None, CostSource::Billed);
    dear.bill.cost = Some(Cost::from_atto(i128::MAX / 2));
    let spending = gather(By::Model, "UTC", &[dear.clone(), dear.clone(), dear]);
    assert_eq!(spending.all.total.known.atto(), i128::MAX);
    assert!(spending.share(&spending.all, 1_000).is_some());
}
