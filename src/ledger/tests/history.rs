//! Going on, finding and deleting.

use super::*;

#[test]
fn a_conversation_goes_on_from_the_last_answer() {
    let scratch = Scratch::new();
    let mut ledger = scratch.open();
    let conversation = Ulid::generate();
    let mut request = asked("First?");
    request.system = Some("Be brief.".into());
    request.messages[0].parts.push(image(b"picture"));
    append(&mut ledger, &request, &answered("One."), conversation);

    let going_on = ledger.latest_conversation().unwrap().unwrap();
    assert_eq!((going_on.id, going_on.system.as_deref()), (conversation, Some("Be brief.")));
    assert_eq!(going_on.messages.len(), 2);
    assert_eq!(going_on.messages[0], request.messages[0]);
    assert_eq!(going_on.messages[1], Message::text(Role::Assistant, "One."));

    // A failed call leaves no turn; a partial answer does.
    let next = |question: &str, before: &Conversation| {
        let mut messages = before.messages.clone();
        messages.push(Message::text(Role::User, question));
        Request { messages, system: before.system.clone(), ..Request::default() }
    };
    append(&mut ledger, &next("Lost?", &going_on), &answered(""), conversation);
    assert_eq!(ledger.latest_conversation().unwrap().unwrap(), going_on);
    let cut = Outcome { status: Status::Partial, ..answered("Tw") };
    append(&mut ledger, &next("Second?", &going_on), &cut, conversation);
    let going_on = ledger.conversation(&conversation.to_string().to_lowercase()).unwrap();
    let turns: Vec<_> = going_on.messages.iter().map(Message::to_text).collect();
    assert_eq!(turns, ["First?", "One.", "Second?", "Tw"]);
    assert_eq!(going_on.last_call, cut.id);

    // Another shell's newer conversation is the latest, but not the one asked for.
    say(&mut scratch.open(), "Elsewhere?", "There.");
    assert_eq!(ledger.latest_conversation().unwrap().unwrap().messages[0].to_text(), "Elsewhere?");
    assert_eq!(ledger.conversation(&conversation.to_string()).unwrap(), going_on);
}

#[test]
fn a_call_s_id_goes_on_from_that_call() {
    let mut ledger = Ledger::open_existing(Path::new("/nowhere/at/all")).unwrap();
    let conversation = Ulid::from_parts(1_000, 1);
    let first = Outcome { id: Ulid::from_parts(2_000_000_000, 1), ..answered("One.") };
    let second = Outcome { id: Ulid::from_parts(3_000_000_000, 1), ..answered("Two.") };
    for outcome in [&first, &second] {
        append(&mut ledger, &asked("Count."), outcome, conversation);
    }
    let from = |id: Ulid| ledger.conversation(&id.to_string()).unwrap().last_call;
    assert_eq!(from(first.id), first.id);
    assert_eq!(from(conversation), second.id);
    let failed = Outcome { id: Ulid::from_parts(4_000_000_000, 1), ..answered("") };
    append(&mut ledger, &asked("Count."), &failed, conversation);
    let error = ledger.conversation(&failed.id.to_string()).unwrap_err();
    assert!(matches!(error, LedgerError::Missing { what: "conversation", .. }), "{error}");
}

#[test]
fn an_ambiguous_prefix_lists_candidates() {
    let mut ledger = Ledger::open_existing(Path::new("/nowhere/at/all")).unwrap();
    let ids: Vec<Ulid> = (1..=7).map(|number| Ulid::from_parts(1_795_000_000_000, number)).collect();
    for id in &ids {
        append(&mut ledger, &asked("a"), &Outcome { id: *id, ..answered("b") }, *id);
    }
    let whole = ids[3].to_string();
    assert_eq!(ledger.show(&whole).unwrap().outcome.id, ids[3]);
    for error in [ledger.show(&whole[..10]).unwrap_err(), ledger.conversation(&whole[..4]).unwrap_err()] {
        let LedgerError::Ambiguous { candidates, .. } = &error else { panic!("{error}") };
        assert_eq!(candidates[..], [ids[6], ids[5], ids[4], ids[3], ids[2]]);
        assert_eq!(crate::error::Error::from(error).kind, ErrorKind::Usage);
    }
    assert!(matches!(ledger.show("01K").unwrap_err(), LedgerError::NotAnId(_)));
    assert!(matches!(ledger.show("7ZZZZZ").unwrap_err(), LedgerError::Missing { .. }));
}

#[test]
fn lists_are_newest_first_and_searched_by_prompt_and_answer() {
    let mut ledger = Ledger::open_existing(Path::new("/nowhere/at/all")).unwrap();
    let mut at = 0;
    let mut say = |prompt: Request, text: &str| {
        at += 1_000;
        let outcome = Outcome { id: Ulid::from_parts(at, 0), ..answered(text) };
        append(&mut ledger, &prompt, &outcome, outcome.id);
    };
    say(asked("\n  100% of what?\nmore"), "Of all.");
    say(asked("Name a colour."), "Green_ish \\ blue.");
    let mut longer = asked("an earlier turn");
    longer.messages.push(Message::text(Role::Assistant, "an earlier answer"));
    longer.messages.push(Message::text(Role::User, "the PROMPT itself"));
    say(Request { system: Some("a system prompt of earlier days".into()), ..longer }, "Yes.");
    let mut pictured = asked("");
    pictured.messages[0].parts = vec![image(b"earlier, in a file")];
    say(pictured, "");

    let found = |term: Option<&str>, limit| -> Vec<String> {
        let listed = ledger.list(&ListQuery { term, limit }).unwrap();
        listed.into_iter().map(|one| one.prompt).collect()
    };
    assert_eq!(found(None, None), ["", "the PROMPT itself", "Name a colour.", "100% of what?"]);
    assert_eq!(found(None, Some(2)), ["", "the PROMPT itself"]);
    assert_eq!(found(Some("prompt"), None), ["the PROMPT itself"]);
    assert_eq!(found(Some("100%"), None), ["100% of what?"]);
    assert_eq!(found(Some("r_e"), None), [""; 0]);
    assert_eq!(found(Some("%"), None), ["100% of what?"]);
    assert_eq!(found(Some("green_ISH \\"), None), ["Name a colour."]);
    assert_eq!(found(Some("earlier"), None), [""; 0]);
    assert_eq!(found(Some("an earlier"), None), [""; 0]);
    assert_eq!(found(Some(""), None).len(), 3, "an empty text is in every text");
}

#[test]
fn calls_are_found_in_any_case_of_any_script() {
    let scratch = Scratch::new();
    let mut ledger = scratch.open();
    for prompt in ["Größe und ÜBERMUT", "Привет, мир", "Ὀδυσσεύς", "[a-z]* is what? ^-]"]
    {
        append(&mut ledger, &asked(prompt), &answered("Yes."), Ulid::generate());
    }
    let found = |term: &str| -> Vec<String> {
        let listed = ledger.list(&ListQuery { term: Some(term), limit: None }).unwrap();
        listed.into_iter().map(|one| one.prompt).collect()
    };
    for term in ["größe", "GRÖßE", "übermut", "Übermut", "öß"] {
        assert_eq!(found(term), ["Größe und ÜBERMUT"], "{term}");
    }
    for term in ["привет", "ПРИВЕТ", "МИР"] {
        assert_eq!(found(term), ["Привет, мир"], "{term}");
    }
    for term in ["ΔΥΣΣΕΎΣ", "δυσσεύσ", "ς", "Σ", "σσ"] {
        assert_eq!(found(term), ["Ὀδυσσεύς"], "{term}");
    }
    for term in ["[A-Z]*", "*", "WHAT?", "^-]", "[", "?"] {
        assert_eq!(found(term), ["[a-z]* is what? ^-]"], "{term}");
    }
    assert_eq!(found("[a-z]?"), [""; 0]);
    assert_eq!(found("grosse"), [""; 0]);
}

#[test]
fn deleting_removes_the_bytes() {
    let scratch = Scratch::new();
    let mut ledger = scratch.open();
    let kept = say(&mut ledger, "A prompt to keep", "An answer to keep");
    let mut request = asked("Do you know the word XYLOPHONIST?");
    request.messages[0].parts.push(image(b"XYLOPHONIST in pixels"));
    let gone: Vec<String> = (0..30)
        .map(|number| {
            let outcome = answered(&format!("{number} XYLOPHONIST {}", "and more ".repeat(number * 40)));
            append(&mut ledger, &request, &outcome, Ulid::generate());
            outcome.id.to_string()
        })
        .collect();
    let holds = |word: &str| scratch.bytes().windows(word.len()).any(|window| window == word.as_bytes());
    assert!(holds("XYLOPHONIST") && holds(&gone[0]));

    // Half of them one by one, the rest at once.
    let (single, rest) = gone.split_at(15);
    for id in single {
        let deleted = ledger.delete(&Selection::Calls(vec![id.clone()])).unwrap();
        assert_eq!(deleted, Deleted { calls: 1, files: 0, erased: true });
    }
    let deleted = ledger.delete(&Selection::Calls(rest.to_vec())).unwrap();
    assert_eq!(deleted, Deleted { calls: 15, files: 1, erased: true });
    assert!(!holds("XYLOPHONIST") && !holds(&gone[0]) && !holds(&gone[29]));
    assert!(holds("A prompt to keep") && holds("An answer to keep"));
    assert_eq!(ledger.show(&kept.id.to_string()).unwrap().outcome, kept);
}

#[test]
fn deletes_are_all_or_nothing_and_say_what_is_left() {
    let scratch = Scratch::new();
    let mut ledger = scratch.open();
    let first = say(&mut ledger, "first", "answer");
    let moment = Timestamp::now();
    let second = Outcome { started_at: moment, ..answered("SECOND ANSWER") };
    append(&mut ledger, &asked("second"), &second, Ulid::generate());
    let wrong = vec![first.id.to_string(), Ulid::from_parts(5, 5).to_string()];
    assert!(matches!(ledger.delete(&Selection::Calls(wrong)), Err(LedgerError::Missing { .. })));
    assert_eq!(count(&ledger, "calls"), 2);
    assert_eq!(ledger.delete(&Selection::Before(moment)).unwrap().calls, 1);
    assert!(ledger.show(&second.id.to_string()).is_ok());
    assert_eq!(ledger.delete(&Selection::Before(moment)).unwrap().calls, 0);

    // A reader keeps the journal in use.
    ledger.connection.busy_timeout(std::time::Duration::ZERO).unwrap();
    let reader = scratch.open();
    let reading = reader.connection.unchecked_transaction().unwrap();
    assert_eq!(count(&reader, "calls"), 1);
    let deleted = ledger.delete(&Selection::All).unwrap();
    assert_eq!(deleted, Deleted { calls: 1, files: 0, erased: false });
    assert_eq!(count(&reader, "calls"), 1);
    drop(reading);
    assert_eq!(count(&reader, "calls"), 0);
}

#[test]
fn the_median_first_word_counts_good_uncached_streams_only() {
    use crate::outcome::Clock;
    use std::time::Duration;
    let mut ledger = Ledger::open_existing(Path::new("/nowhere/at/all")).unwrap();
    let mut call = |model: &str, ms: u64, change: &dyn Fn(&mut Outcome)| {
        let mut outcome = answered("yes");
        outcome.model = ModelRef::split(model).unwrap();
        outcome.streamed = true;
        outcome.clock = Clock { first_visible: Some(Duration::from_millis(ms)), ..Clock::default() };
        change(&mut outcome);
        append(&mut ledger, &asked("?"), &outcome, outcome.id);
    };
    for ms in [900, 100, 300] {
        call("a/odd", ms, &|_| {});
    }
    for ms in [400, 200] {
        call("a/even", ms, &|_| {});
    }
    call("a/odd", 1, &|outcome| outcome.cached = true);
    call("a/odd", 1, &|outcome| outcome.streamed = false);
    call("a/odd", 1, &|outcome| outcome.status = Status::Partial);
    call("a/silent", 1, &|outcome| outcome.clock.first_visible = None);
    let known = ledger.first_words().unwrap();
    let of = |model: &str| known.get(&ModelRef::split(model).unwrap()).copied();
    assert_eq!((of("a/odd"), of("a/even"), of("a/silent")), (Some(300.0), Some(300.0), None));
}

#[test]
fn what_a_comparison_asked_goes_with_its_last_call() {
    let scratch = Scratch::new();
    let mut ledger = scratch.open();
    let begin = |ledger: &mut Ledger| {
        let comparison = StoredComparison {
            fingerprint: None,
            id: Ulid::generate(),
            started_at: Timestamp::now(),
            prompt: "Who plays the XYLOPHONE?".to_owned(),
            plan: serde_json::json!({"system": "ZITHERS only"}),
        };
        ledger.begin_comparison(&comparison).unwrap();
        comparison.id
    };
    let lane = |ledger: &mut Ledger, comparison, lane| {
        let (request, outcome) = (asked("a prompt"), answered("Nobody"));
        let place = Some(Place { comparison, lane, run: 1, item: None });
        let (conversation, parent) = (Ulid::generate(), None);
        let entry =
            Entry { outcome: &outcome, command: "compare", request: &request, conversation, parent, place };
        ledger.append(&entry).unwrap();
        outcome.id.to_string()
    };
    let holds = |word: &str| scratch.bytes().windows(word.len()).any(|window| window == word.as_bytes());

    // It stays as long as a call of it does, and another one's is no matter.
    let (two, under_way) = (begin(&mut ledger), begin(&mut ledger));
    let calls = [lane(&mut ledger, two, 0), lane(&mut ledger, two, 1)];
    let delete =
        |ledger: &mut Ledger, id: &String| ledger.delete(&Selection::Calls(vec![id.clone()])).unwrap();
    delete(&mut ledger, &calls[0]);
    assert!(ledger.comparison(&two.to_string()).is_ok());
    delete(&mut ledger, &calls[1]);
    assert!(ledger.comparison(&two.to_string()).is_err());
    assert!(ledger.comparison(&under_way.to_string()).is_ok() && holds("XYLOPHONE"));

    // One that has no calls yet goes too where everything goes; what it still
    // says is kept.
    assert_eq!(ledger.delete(&Selection::Before(Timestamp::UNIX_EPOCH)).unwrap().calls, 0);
    assert!(holds("XYLOPHONE"));
    assert_eq!(ledger.delete(&Selection::All).unwrap(), Deleted { calls: 0, files: 0, erased: true });
    assert!(!holds("XYLOPHONE") && !holds("ZITHERS"));
    let late = lane(&mut ledger, under_way, 0);
    assert!(ledger.show(&late).is_ok() && ledger.latest_comparison().unwrap().is_none());
}

#[test]
fn the_last_conversation_is_not_one_lane_of_a_comparison() {
    let mut ledger = Ledger::open_existing(Path::new("/nowhere/at/all")).unwrap();
    let compared = |ledger: &mut Ledger| {
        let (request, outcome) = (asked("compared"), answered("one of several"));
        let conversation = Ulid::generate();
        let entry = Entry {
            outcome: &outcome,
            command: "compare",
            request: &request,
            conversation,
            parent: None,
            place: None,
        };
        ledger.append(&entry).unwrap();
        conversation
    };
    let lane = compared(&mut ledger);
    assert_eq!(ledger.latest_conversation().unwrap(), None);
    let asked_last = say(&mut ledger, "asked", "an answer");
    compared(&mut ledger);
    assert_eq!(ledger.latest_conversation().unwrap().unwrap().last_call, asked_last.id);
    // With its id it is gone on with, and from then on it is the last one.
    assert_eq!(ledger.conversation(&lane.to_string()).unwrap().id, lane);
    append(&mut ledger, &asked("and now?"), &answered("more"), lane);
    assert_eq!(ledger.latest_conversation().unwrap().unwrap().id, lane);
}
