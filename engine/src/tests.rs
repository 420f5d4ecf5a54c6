//! The way from a request to an answer, on a tiny model and on the plain
//! kernels, which give the same bits on every machine.

use proptest::prelude::*;

use super::tiny::{Entry, Tiny};
use super::*;
use crate::kernels::Kernels;

const PLAIN: Settings = Settings { kernels: Kernels::PORTABLE, threads: 1, worth_sharing: usize::MAX };

fn ask(text: &str, asked: Request) -> Request {
    Request { turns: vec![(Role::User, text.to_owned())], ..asked }
}

fn at_most(tokens: u32) -> Request {
    Request { max_tokens: Some(tokens), ..Request::default() }
}

/// The answer's text and outcome, and the steps that led there.
fn run(file: &[u8], request: &Request, settings: Settings) -> Result<(String, Generated, Vec<Step>), Error> {
    let cancel = AtomicBool::new(false);
    let mut steps = Vec::new();
    let generated = answer(file, request, &cancel, settings, &mut |step| steps.push(step))?;
    let text = steps.iter().filter_map(|step| match step {
        Step::Token { text } | Step::Rest { text } => Some(text.as_str()),
        _ => None,
    });
    Ok((text.collect(), generated, steps))
}

fn refusal(tiny: &Tiny) -> String {
    match run(&tiny.file().0, &ask("hi", at_most(1)), PLAIN) {
        Err(Error::Unusable(reason)) => reason,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn steps_and_usage_count_the_same_tokens() {
    let (file, _) = Tiny::default().file();
    let (_, generated, steps) = run(&file, &ask("hi", at_most(20)), PLAIN).unwrap();
    assert_eq!(steps[0], Step::Loaded);
    assert_eq!(steps[1], Step::Prompt { tokens: generated.prompt_tokens });
    let tokens = steps.iter().filter(|step| matches!(step, Step::Token { .. })).count();
    assert_eq!(generated.tokens, tokens as u64);
    assert_eq!(tokens, 20);
    assert_eq!(generated.ending, Ending::Length);
}

#[test]
fn the_plain_kernels_say_the_same_on_every_machine() {
    let (file, _) = Tiny::default().file();
    let (text, ..) = run(&file, &ask("the bee", at_most(24)), PLAIN).unwrap();
    insta::assert_snapshot!(text.escape_default(), @"ikikikikikikikikikikikikikikikikikikikikikikikik");
    let sampled = Request { temperature: Some(1.0), top_p: Some(0.9), seed: Some(42), ..at_most(24) };
    let (text, ..) = run(&file, &ask("the bee", sampled), PLAIN).unwrap();
    insta::assert_snapshot!(text.escape_default(), @r"fhflm?s\u{fffd}\\gH\u{486}mn\u{fffd}\u{e9}\u{19}7\u{fffd}/thln)%!U");
}

#[test]
fn threads_change_nothing_but_the_time() {
    let (file, _) = Tiny::default().file();
    let long = "how long is a day? ".repeat(3);
    let asked = Request { temperature: Some(0.8), seed: Some(5), ..at_most(30) };
    for kernels in Kernels::every() {
        let answer = |threads| {
            let settings = Settings { kernels, threads, worth_sharing: 0 };
            run(&file, &ask(&long, asked.clone()), settings).unwrap().0
        };
        let alone = answer(1);
        assert_eq!(alone, answer(2), "{kernels:?}");
        assert_eq!(alone, answer(4), "{kernels:?}");
    }
}

#[test]
fn seeds_decide_the_answer() {
    let (file, _) = Tiny::default().file();
    let answer = |seed| {
        let asked = Request { temperature: Some(1.5), seed: Some(seed), ..at_most(20) };
        run(&file, &ask("hi", asked), PLAIN).unwrap().0
    };
    assert_eq!(answer(1), answer(1));
    assert_ne!(answer(1), answer(2));
}

#[test]
fn the_end_of_a_turn_ends_the_answer() {
    let (file, _) = Tiny::default().file();
    let endings = (0..20).map(|seed| {
        let asked = Request { temperature: Some(3.0), seed: Some(seed), ..at_most(100) };
        let (_, generated, steps) = run(&file, &ask("hi", asked), PLAIN).unwrap();
        assert_eq!(
            generated.tokens as usize,
            steps.iter().filter(|s| matches!(s, Step::Token { .. })).count()
        );
        (generated.ending, generated.tokens < 100)
    });
    assert!(endings.into_iter().any(|ending| ending == (Ending::Complete, true)));
}

#[test]
fn a_stop_text_ends_the_answer_before_it() {
    let (file, _) = Tiny::default().file();
    let (whole, ..) = run(&file, &ask("hi", at_most(20)), PLAIN).unwrap();
    let (place, _) = whole.char_indices().nth(whole.chars().count() / 2).unwrap();
    let stop: String = whole[place..].chars().take(3).collect();
    let asked = Request { stop: vec![String::new(), stop.clone()], ..at_most(20) };
    let (text, generated, _) = run(&file, &ask("hi", asked), PLAIN).unwrap();
    assert_eq!(text, whole[..whole.find(&stop).unwrap()]);
    assert_eq!(generated.ending, Ending::StopText);
}

#[test]
fn cancelling_keeps_what_came() {
    let (file, _) = Tiny::default().file();
    let request = ask("hi", at_most(20));
    for after in [0, 3] {
        let cancel = AtomicBool::new(after == 0);
        let mut tokens = 0;
        let generated = answer(&file, &request, &cancel, PLAIN, &mut |step| {
            if matches!(step, Step::Token { .. }) {
                tokens += 1;
                cancel.store(tokens == after, Ordering::Relaxed);
            }
        });
        let generated = generated.unwrap();
        assert_eq!((generated.ending, generated.tokens), (Ending::Cancelled, after));
    }
}

#[test]
fn a_prompt_must_leave_room() {
    let (file, _) = Tiny::default().file();
    // Not the best token always, which would end in a loop before the room does.
    let asked = Request { temperature: Some(1.0), seed: Some(3), ..at_most(500) };
    let prompt = |text: &str| run(&file, &ask(text, asked.clone()), PLAIN);
    let (_, generated, _) = prompt("hi").unwrap();
    assert_eq!(generated.prompt_tokens + generated.tokens, 200, "the context is used up");
    // "hi" is one token, and so is each "z".
    let used = generated.prompt_tokens as usize - 1;
    let failure = prompt(&"z".repeat(200 - used)).unwrap_err();
    assert!(matches!(failure, Error::ContextLength { prompt: 200, context: 200 }), "{failure}");
    assert!(prompt(&"z".repeat(199 - used)).is_ok());
}

#[test]
fn a_loop_is_ended_and_called_one() {
    // The last layer's output is zero, so the next token depends on the last one alone.
    let mut tiny = Tiny::default();
    for tensor in &mut tiny.tensors {
        if tensor.name.contains("attn_v") || tensor.name.contains("ffn_down") {
            tensor.data.fill(0);
        }
    }
    let (_, generated, _) = run(&tiny.file().0, &ask("hi", at_most(150)), PLAIN).unwrap();
    assert_eq!(generated.ending, Ending::Loop);
}

#[test]
fn files_of_other_kinds_are_refused_in_words() {
    let text = |text: &str| Entry::Text(text.into());
    let tiny = Tiny::default;
    assert_eq!(
        refusal(&tiny().set("general.architecture", text("mamba"))),
        "its architecture `mamba` is not `llama`"
    );
    assert_eq!(
        refusal(&tiny().set("tokenizer.ggml.pre", text("qwen2"))),
        "its tokenizer (`tokenizer.ggml.pre`) is `qwen2`, not `smollm`"
    );
    assert_eq!(
        refusal(&tiny().set("tokenizer.chat_template", text("{{ x }}"))),
        "its chat template is not the one of SmolLM2"
    );
    assert_eq!(
        refusal(&tiny().set("llama.attention.head_count", Entry::Whole(0))),
        "`llama.attention.head_count` is 0"
    );
    assert_eq!(
        refusal(&tiny().set("llama.attention.head_count", Entry::Whole(8))),
        "its heads have 8 numbers, not a multiple of 16"
    );
    assert_eq!(
        refusal(&tiny().set("llama.embedding_length", Entry::Whole(128))),
        "tensor `blk.0.attn_norm.weight` has 64 × 1 numbers instead of 128 × 1"
    );
    assert_eq!(
        refusal(&tiny().set("llama.rope.scaling.type", text("yarn"))),
        "rotary scaling `yarn` is not supported"
    );
    assert_eq!(
        refusal(&tiny().set("llama.block_count", Entry::Whole(1))),
        "tensor `blk.1.attn_k.weight` is not supported"
    );
}

#[test]
fn tensors_of_other_kinds_are_refused_by_name() {
    let mut odd = Tiny::default();
    odd.tensors[0].kind = 14;
    assert_eq!(refusal(&odd), "tensor `token_embd.weight` has the unsupported type 14");
    let mut biased = Tiny::default();
    let mut bias = biased.tensors[1].clone();
    bias.name = "blk.0.attn_q.bias".into();
    biased.tensors.push(bias);
    assert_eq!(refusal(&biased), "tensor `blk.0.attn_q.bias` is not supported");
    let mut endless = Tiny::default().set("llama.feed_forward_length", Entry::Whole(48));
    for tensor in &mut endless.tensors {
        match tensor.name.as_str() {
            "blk.0.ffn_down.weight" => tensor.lengths[0] = 48,
            "blk.0.ffn_gate.weight" | "blk.0.ffn_up.weight" => tensor.lengths[1] = 48,
            _ => {}
        }
    }
    assert_eq!(
        refusal(&endless),
        "tensor `blk.0.ffn_down.weight` has rows of 48 numbers, not a multiple of 32"
    );
}

#[test]
fn scores_that_are_no_numbers_are_an_error() {
    let mut tiny = Tiny::default();
    let norm = tiny.tensors.last_mut().unwrap();
    norm.data = f32::NAN.to_le_bytes().repeat(64);
    assert_eq!(refusal(&tiny), "its scores are not numbers");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn no_damage_makes_it_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
        in_directory in any::<bool>(),
    ) {
        let (mut file, directory) = Tiny::default().file();
        for (place, byte) in damage {
            let end = if in_directory { directory } else { file.len() };
            file[place.index(end)] = byte;
        }
        file.truncate(cut.map_or(usize::MAX, |cut| cut.index(file.len())));
        let _ = run(&file, &ask("the bee", at_most(2)), PLAIN);
    }
}
