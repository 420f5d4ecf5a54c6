//! Times as an answer's reader has them, against a server that keeps a timetable.

use serde_json::json;

use crate::support::streams::{OPENAI_DONE, openai_delta, openai_finish, openai_usage};
use crate::support::{Lab, Script};

/// A role at 50 ms, 20 pieces of reasoning from 200 ms every 30 ms, and 20 of
/// text from 800 ms every 10 ms.
fn timetable() -> Script {
    let mut answer = Script::sse([] as [&str; 0]).head();
    answer = answer.at(50).body(openai_delta(&json!({"role": "assistant", "content": ""})));
    for n in 0..20 {
        let piece = openai_delta(&json!({"reasoning_content": format!("thought {n} ")}));
        answer = answer.at(200 + 30 * n).body(piece);
    }
    for n in 0..20 {
        answer = answer.at(800 + 10 * n).body(openai_delta(&json!({"content": format!("word{n} ")})));
    }
    answer.bodies([openai_finish("stop"), openai_usage(40), OPENAI_DONE.to_owned()])
}

#[test]
fn the_first_token_is_no_role_and_the_first_word_no_thought() {
    let lab = Lab::always(timetable());
    let object = lab.ask(&["--json", "hello"]).run().success().json();
    let timing = &object["timing"];
    let ms = |name: &str| timing[name].as_f64().unwrap_or_else(|| panic!("no `{name}` in {timing}"));
    // The clock starts a little before the request arrives, so no bound is
    // below the timetable's; those above leave room for a busy machine.
    assert!((200.0..600.0).contains(&ms("ttft_ms")), "{timing}");
    assert!((800.0..1_600.0).contains(&ms("ttfv_ms")), "{timing}");
    assert!(ms("connect_ms") <= ms("ttft_ms") && ms("ttft_ms") < ms("ttfv_ms"), "{timing}");
    assert!(ms("ttfv_ms") < ms("e2e_ms") && ms("e2e_ms") <= ms("wall_ms"), "{timing}");
    assert!(ms("e2e_ms") >= 990.0, "{timing}");
    // 40 tokens, so 39 gaps between the first at 200 ms and the last at 990 ms.
    assert!((10.0..30.0).contains(&ms("tpot_ms")), "{timing}");
    assert!((ms("decode_tps") * ms("tpot_ms") - 1_000.0).abs() < 5.0, "{timing}");
    assert_eq!(object["text"].as_str().unwrap().split_whitespace().count(), 20);
    assert!(object["reasoning"].as_str().unwrap().starts_with("thought 0 thought 1 "));
}

#[test]
fn events_are_written_as_they_come() {
    let words = |text: &str| openai_delta(&json!({"content": text}));
    let lab = Lab::always(Script::sse([words("first ")]).hang());
    let mut running = lab.ask(&["--jsonl", "hello"]).spawn();
    // The answer never ends, so nothing here can come from its end.
    running.wait_for_stdout(r#""text":"first ""#);
    running.interrupt();
    let events = running.finish().exited(130).jsonl();
    let names: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["start", "first_token", "delta", "error"]);
}

#[test]
fn words_are_written_as_they_come() {
    let lab = Lab::always(Script::sse([openai_delta(&json!({"content": "first "}))]).hang());
    let mut running = lab.ask(&["hello"]).spawn();
    running.wait_for_stdout("first ");
    running.interrupt();
    assert_eq!(running.finish().exited(130).stdout, "first \n");
}

/// With a patience of half a second behind the last event.
fn then_silence(frames: Vec<String>) -> Lab {
    let lab = Lab::always(Script::sse(frames).hang());
    lab.configure("[timeouts]\nidle = 0.5\n");
    lab
}

#[test]
fn a_whole_answer_ends_with_its_last_event_and_a_cut_one_with_its_failure() {
    let text = openai_delta(&json!({"content": "word"}));
    let whole = then_silence(vec![text.clone(), openai_finish("stop"), openai_usage(1)]);
    let timing = &whole.ask(&["--json", "hello"]).run().success().json()["timing"];
    let ms = |name: &str| timing[name].as_f64().unwrap();
    assert!(ms("wall_ms") - ms("e2e_ms") >= 400.0, "{timing}");
    let cut = then_silence(vec![text]);
    let timing = &cut.ask(&["--json", "hello"]).run().exited(6).json()["timing"];
    let ms = |name: &str| timing[name].as_f64().unwrap();
    assert!(ms("e2e_ms") - ms("ttfv_ms") >= 400.0, "{timing}");
}
