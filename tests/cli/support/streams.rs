//! Whole streams of each protocol around the texts that a test is about, as
//! frames of server-sent events. A test that needs another stream takes one of
//! these apart or builds its own from [`event`] and the frames here.

use serde_json::{Value, json};

/// The input tokens that every stream here reports.
pub(crate) const INPUT_TOKENS: u64 = 9;

/// The end marker of Chat Completions.
pub(crate) const OPENAI_DONE: &str = "data: [DONE]\n\n";

/// One event; protocols that name their events repeat the name in `type`.
pub(crate) fn event(data: &Value) -> String {
    match data["type"].as_str() {
        Some(name) => format!("event: {name}\ndata: {data}\n\n"),
        None => format!("data: {data}\n\n"),
    }
}

/// A Chat Completions stream: a role, each text, the reason to stop, usage
/// (a token a text), and the end marker.
pub(crate) fn openai_chunks(texts: &[&str]) -> Vec<String> {
    let mut frames = vec![openai_delta(&json!({"role": "assistant", "content": ""}))];
    frames.extend(texts.iter().map(|text| openai_delta(&json!({"content": text}))));
    frames.push(openai_finish("stop"));
    frames.push(openai_usage(texts.len()));
    frames.push(OPENAI_DONE.to_owned());
    frames
}

/// One piece of a Chat Completions answer.
pub(crate) fn openai_delta(delta: &Value) -> String {
    openai_chunk(&json!([{"index": 0, "delta": delta, "finish_reason": null}]), &Value::Null)
}

/// The chunk that says why a Chat Completions answer ends.
pub(crate) fn openai_finish(reason: &str) -> String {
    openai_chunk(&json!([{"index": 0, "delta": {}, "finish_reason": reason}]), &Value::Null)
}

/// The chunk of a Chat Completions answer that counts its tokens.
pub(crate) fn openai_usage(output: usize) -> String {
    openai_chunk(&json!([]), &openai_token_counts(output))
}

fn openai_chunk(choices: &Value, usage: &Value) -> String {
    event(&json!({
        "id": "chatcmpl-scripted", "object": "chat.completion.chunk", "created": 1_700_000_000,
        "model": "scripted-1", "choices": choices, "usage": usage,
    }))
}

fn openai_token_counts(output: usize) -> Value {
    json!({
        "prompt_tokens": INPUT_TOKENS, "completion_tokens": output,
        "total_tokens": INPUT_TOKENS + output as u64,
    })
}

/// A Chat Completions answer in one piece.
pub(crate) fn openai_body(text: &str) -> Value {
    json!({
        "id": "chatcmpl-scripted", "object": "chat.completion", "created": 1_700_000_000, "model": "scripted-1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": openai_token_counts(1),
    })
}

/// A Responses stream, from `response.created` to `response.completed`.
pub(crate) fn responses_chunks(texts: &[&str]) -> Vec<String> {
    let response = |status: &str, output: Value, usage: Value| {
        json!({
            "id": "resp_scripted", "object": "response", "created_at": 1_700_000_000, "status": status,
            "model": "scripted-1", "error": null, "incomplete_details": null, "output": output, "usage": usage,
        })
    };
    let whole = texts.concat();
    let part = |text: &str| json!({"type": "output_text", "text": text, "annotations": []});
    let item = |status: &str, content: Value| json!({"type": "message", "id": "msg_scripted", "status": status, "role": "assistant", "content": content});
    let place =
        |kind: &str| json!({"type": kind, "item_id": "msg_scripted", "output_index": 0, "content_index": 0});
    let placed = |kind: &str, field: &str, value: Value| {
        let mut event = place(kind);
        event[field] = value;
        event
    };
    let added = response("in_progress", json!([]), Value::Null);
    let mut events = vec![
        json!({"type": "response.created", "response": added}),
        json!({"type": "response.in_progress", "response": added}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": item("in_progress", json!([]))}),
        placed("response.content_part.added", "part", part("")),
    ];
    events.extend(texts.iter().map(|text| placed("response.output_text.delta", "delta", json!(text))));
    let done = item("completed", json!([part(&whole)]));
    let usage = json!({
        "input_tokens": INPUT_TOKENS, "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": texts.len(), "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": INPUT_TOKENS + texts.len() as u64,
    });
    events.extend([
        placed("response.output_text.done", "text", json!(whole)),
        placed("response.content_part.done", "part", part(&whole)),
        json!({"type": "response.output_item.done", "output_index": 0, "item": done}),
        json!({"type": "response.completed", "response": response("completed", json!([done]), usage)}),
    ]);
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = json!(number);
    }
    events.iter().map(event).collect()
}

/// A Messages stream of one text block, from `message_start` to `message_stop`.
pub(crate) fn anthropic_chunks(texts: &[&str]) -> Vec<String> {
    let usage = |output: usize| {
        json!({
            "input_tokens": INPUT_TOKENS, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
            "output_tokens": output,
        })
    };
    let mut events = vec![
        json!({"type": "message_start", "message": {
            "id": "msg_scripted", "type": "message", "role": "assistant", "model": "scripted-1", "content": [],
            "stop_reason": null, "stop_sequence": null, "usage": usage(1),
        }}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "ping"}),
    ];
    events.extend(texts.iter().map(
        |text| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}),
    ));
    events.extend([
        json!({"type": "content_block_stop", "index": 0}),
        json!({
            "type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null},
            "usage": usage(texts.len()),
        }),
        json!({"type": "message_stop"}),
    ]);
    events.iter().map(event).collect()
}

/// A `streamGenerateContent` stream; its last text comes with the reason to stop.
pub(crate) fn gemini_chunks(texts: &[&str]) -> Vec<String> {
    texts
        .iter()
        .enumerate()
        .map(|(at, text)| {
            let mut candidate = json!({"content": {"role": "model", "parts": [{"text": text}]}, "index": 0});
            if at + 1 == texts.len() {
                candidate["finishReason"] = json!("STOP");
            }
            event(&json!({
                "candidates": [candidate], "modelVersion": "scripted-1", "responseId": "scripted",
                "usageMetadata": {
                    "promptTokenCount": INPUT_TOKENS, "candidatesTokenCount": at + 1,
                    "totalTokenCount": INPUT_TOKENS + at as u64 + 1,
                },
            }))
        })
        .collect()
}
