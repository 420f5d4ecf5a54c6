"""`pollm` against aimock, which speaks every protocol and fails on demand.

What aimock answers is posted to it before each case. Its journal tells which
requests it took and how it understood them; the tap before it, what they were
byte by byte (the journal redacts keys and turns every protocol into one).
"""

import json
import pathlib
import tempfile
import unittest

from aimock import KEY, TEXT, USAGE, Server, fails, says
from program import Pollm

# Who is asked, and where its requests must go. The ids are of families that
# aimock lets reason; none is in pollm's catalog, so that the prices are ours.
MODELS = {
    "openai/gpt-5-counterpart": "/v1/chat/completions",
    "answers/gpt-5-counterpart": "/v1/responses",
    "anthropic/claude-opus-4-counterpart": "/v1/messages",
    "google/gemini-2.5-pro-counterpart": "/v1beta/models/gemini-2.5-pro-counterpart:",
    "openrouter/lab/gpt-5-counterpart": "/api/v1/chat/completions",
    "ollama/qwen3-counterpart": "/v1/chat/completions",
}
PRICES = 'input = "2.00"\noutput = "10.00"\n'
COST = "0.00274"  # 1200 × 2 $ + 34 × 10 $, each per million

CONFIG = """
[providers.answers]
protocol = "openai-responses"
base_url = "{url}/v1"
key_env = "ANSWERS_KEY"
[providers.answers.models.gpt-5-counterpart]
{prices}
[providers.openai.models.gpt-5-counterpart]
{prices}
[providers.anthropic.models.claude-opus-4-counterpart]
{prices}
[providers.google.models."gemini-2.5-pro-counterpart"]
{prices}
[providers.openrouter]
base_url = "{url}/api/v1"
"""

server = None


def setUpModule():
    global server
    folder = tempfile.TemporaryDirectory(prefix="aimock-")
    unittest.addModuleCleanup(folder.cleanup)
    server = Server(pathlib.Path(folder.name))
    unittest.addModuleCleanup(server.close)


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        url = server.url
        self.pollm = Pollm(
            CONFIG.format(url=url, prices=PRICES),
            OPENAI_BASE_URL=f"{url}/v1",
            OPENAI_API_KEY=KEY,
            ANSWERS_KEY=KEY,
            ANTHROPIC_BASE_URL=url,
            ANTHROPIC_API_KEY=KEY,
            GOOGLE_GEMINI_BASE_URL=url,
            GEMINI_API_KEY=KEY,
            OPENROUTER_API_KEY=KEY,
            OLLAMA_HOST=url,
            OLLAMA_API_KEY=KEY,
        )
        self.addCleanup(self.pollm.close)

    def ask(self, *args, code=0, stdin=""):
        run = self.pollm.run("ask", *args, stdin=stdin)
        self.assertEqual(run.code, code, run)
        return run


class Answers(Case):
    def test_text_reaches_a_pipe_as_it_was_said(self):
        server.answers(says())
        for model in MODELS:
            with self.subTest(model):
                for how in ([], ["--no-stream"]):
                    run = self.ask("-m", model, "hello", *how)
                    self.assertEqual(run.out, TEXT + "\n", how)
                    self.assertEqual(run.err, "", how)

    def test_json_has_usage_cost_and_times(self):
        server.answers(says())
        for model in MODELS:
            with self.subTest(model):
                for how in ("--stream", "--no-stream"):
                    got = self.ask("-m", model, "hello", "--json", *([how] if how == "--no-stream" else [])).json
                    self.assertEqual((got["status"], got["finish"], got["text"]), ("ok", "stop", TEXT), how)
                    usage = {name: got["usage"][name] for name in ("input", "output", "source")}
                    self.assertEqual(usage, {"input": 1200, "output": 34, "source": "reported"}, how)
                    self.assertEqual(got["timing"]["attempts"], 1)
                    self.assertEqual(got["timing"]["ttft_ms"] is None, how == "--no-stream", how)
                    self.assertGreater(got["timing"]["e2e_ms"], 0)
                    if model.startswith("ollama/"):
                        self.assertEqual(got["cost"]["source"], "local")
                    elif model.startswith("openrouter/"):
                        # Neither billed nor priced: unknown, not free.
                        self.assertEqual((got["cost"]["usd"], got["cost"]["source"]), (None, "unknown"))
                    else:
                        self.assertEqual((got["cost"]["usd"], got["cost"]["source"]), (COST, "computed"), how)

    def test_openrouter_bills_and_names_who_served(self):
        usage = {**USAGE, "cost": 0.0021}
        answer = says(usage=usage, provider="Lab", model="lab/gpt-5-counterpart-0601", openRouterProcessing=True)
        server.answers(answer)
        got = self.ask("-m", "openrouter/lab/gpt-5-counterpart", "hello", "--json").json
        self.assertEqual((got["cost"]["usd"], got["cost"]["source"]), ("0.0021", "billed"))
        self.assertEqual((got["served_by"], got["served_model"]), ("Lab", "lab/gpt-5-counterpart-0601"))
        self.assertEqual(got["malformed_events"], 0, "the keep-alive comments are no events")

    def test_reasoning_is_kept_apart_from_the_answer(self):
        server.answers(says(reasoning="Fruit grows on trees."))
        for model in MODELS:
            with self.subTest(model):
                for how in ([], ["--no-stream"]):
                    got = self.ask("-m", model, "hello", "--json", *how).json
                    self.assertEqual((got["reasoning"], got["text"]), ("Fruit grows on trees.", TEXT), how)
                self.assertEqual(self.ask("-m", model, "hello").out, TEXT + "\n")

    def test_a_tool_call_is_told_and_not_run(self):
        # aimock ends a call of Gemini's with FUNCTION_CALL, a reason that Gemini
        # doesn't have: it says STOP.
        call = {
            "match": {},
            "response": {
                "toolCalls": [{"name": "weather", "arguments": {"city": "Ulm"}}],
                "finishReason": "tool_calls",
                "usage": USAGE,
            },
        }
        for model in MODELS:
            with self.subTest(model):
                call["response"]["finishReason"] = "stop" if model.startswith("google/") else "tool_calls"
                server.answers(call)
                run = self.ask("-m", model, "hello", "--json")
                self.assertEqual((run.json["finish"], run.json["text"]), ("tool_calls", ""))
                self.assertIn("the model wants to call a tool", run.err)

    def test_an_answer_that_was_cut_short_says_so(self):
        # aimock's Responses API calls it incomplete and doesn't say why.
        server.answers(says(finishReason="length"))
        for model in MODELS:
            with self.subTest(model):
                run = self.ask("-m", model, "hello", "--json", "--strict", code=8)
                self.assertEqual(run.json["finish"], "cut" if model.startswith("answers/") else "length")

    def test_a_filtered_answer_says_so(self):
        server.answers(says(finishReason="content_filter"))
        # aimock has no such ending for Anthropic's, and for the Responses API
        # it has a failure.
        for model in [model for model in MODELS if model.split("/")[0] not in ("anthropic", "answers")]:
            with self.subTest(model):
                run = self.ask("-m", model, "hello", "--json", "--strict", code=8)
                self.assertEqual(run.json["finish"], "content_filter")

    def test_events_come_in_order(self):
        server.answers(says(chunkSize=7))
        for model in MODELS:
            with self.subTest(model):
                events = self.ask("-m", model, "hello", "--jsonl").events
                kinds = [event["event"] for event in events]
                self.assertEqual((kinds[0], kinds[-1]), ("start", "done"), kinds)
                self.assertLess(kinds.index("first_token"), kinds.index("delta"))
                deltas = [event["text"] for event in events if event["event"] == "delta"]
                self.assertGreater(len(deltas), 3)
                self.assertEqual("".join(deltas), TEXT)

    def test_a_conversation_goes_on(self):
        server.answers(
            says("Pears.", {"turnIndex": 1, "userMessage": "which"}), says("Apples and pears.", {"turnIndex": 0})
        )
        for model in MODELS:
            with self.subTest(model):
                self.assertEqual(self.ask("-m", model, "Name two fruits.").out, "Apples and pears.\n")
                self.assertEqual(self.ask("-c", "which one is green?").out, "Pears.\n")
                said = server.control("GET", "journal")[-1]["body"]["messages"]
                self.assertEqual([message["role"] for message in said], ["user", "assistant", "user"])

    def test_a_schema_is_sent_and_checked(self):
        schema = '{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"],"additionalProperties":false}'
        for model in MODELS:
            with self.subTest(model):
                server.answers(says('{"n":3}', {"userMessage": "three"}), says('{"n":"three"}'))
                self.assertEqual(json.loads(self.ask("-m", model, "--schema", schema, "three").out), {"n": 3})
                self.assertIn('"integer"', json.dumps(server.tap.take()[0].body))
                self.ask("-m", model, "--schema", schema, "other", code=7)

    def test_an_image_arrives(self):
        png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0\x1f\x15\xc4\x89"
        (self.pollm.work / "dot.png").write_bytes(png)
        server.answers(says())
        for model in MODELS:
            with self.subTest(model):
                self.ask("-m", model, "-a", "dot.png", "what is it?")
                self.assertIn("iVBORw0KGgo", json.dumps(server.tap.take()[0].body))

    def test_the_models_of_a_server_are_listed(self):
        # Gemini's list isn't among what aimock has.
        server.answers(says(match={"model": "qwen3-counterpart"}), says(match={"model": "lab/gpt-5-counterpart"}))
        for provider in ("openai", "answers", "openrouter", "ollama"):
            with self.subTest(provider):
                run = self.pollm.run("models", "--live", "--provider", provider, "--json")
                self.assertEqual(run.code, 0, run)
                self.assertIn("qwen3-counterpart", run.out)


class Comparisons(Case):
    def test_all_protocols_at_once(self):
        server.answers(says())
        models = [part for model in MODELS for part in ("-m", model)]
        run = self.pollm.run("compare", *models, "hello", "--json")
        self.assertEqual(run.code, 0, run)
        self.assertEqual([lane["model"] for lane in run.json["lanes"]], list(MODELS))
        for lane in run.json["lanes"]:
            self.assertEqual((lane["status"], lane["text"], lane["usage"]["input"]), ("ok", TEXT, 1200), lane["model"])
        self.assertEqual(server.statuses(), [200] * len(MODELS))

    def test_one_that_fails_stops_no_other(self):
        server.answers(fails(400, {"model": "qwen3-counterpart"}), says())
        models = [part for model in MODELS for part in ("-m", model)]
        run = self.pollm.run("compare", *models, "hello", "--json")
        self.assertEqual(run.code, 4, run)
        self.assertEqual([lane["status"] for lane in run.json["lanes"]], ["ok"] * 5 + ["error"])

    def test_a_table_names_all(self):
        server.answers(says("Pears."))
        models = [part for model in MODELS for part in ("-m", model)]
        run = self.pollm.run("compare", *models, "hello", "--view", "cards")
        self.assertEqual(run.code, 0, run)
        for model in MODELS:
            self.assertIn(model, run.out)
        self.assertEqual(run.out.count("Pears."), len(MODELS))


class Requests(Case):
    """What goes over the line: what the user said, and no more."""

    HEADERS = {"host", "content-type", "content-length", "accept", "accept-encoding", "user-agent"}

    def sent(self, model, *args):
        server.answers(says())
        self.ask("-m", model, "hello", *args)
        requests = server.tap.take()
        self.assertEqual(len(requests), 1)
        self.assertEqual(requests[0].method, "POST")
        return requests[0]

    def test_paths(self):
        for model in MODELS:
            with self.subTest(model):
                for how in ([], ["--no-stream"]):
                    path = MODELS[model]
                    if model.startswith("google/"):
                        path += "generateContent" if how else "streamGenerateContent?alt=sse"
                    self.assertEqual(self.sent(model, *how).path, path)

    def test_headers(self):
        own = {
            "openai": {"authorization": f"Bearer {KEY}"},
            "answers": {"authorization": f"Bearer {KEY}"},
            "anthropic": {"x-api-key": KEY, "anthropic-version": "2023-06-01"},
            "google": {"x-goog-api-key": KEY},
            "openrouter": {
                "authorization": f"Bearer {KEY}",
                "x-openrouter-title": "pollm",
                "x-openrouter-categories": "cli-agent",
            },
            "ollama": {"authorization": f"Bearer {KEY}"},
        }
        for model in MODELS:
            with self.subTest(model):
                headers = self.sent(model).headers
                self.assertEqual(headers["content-type"], "application/json")
                self.assertRegex(headers["user-agent"], r"^pollm/\d")
                rest = {name: value for name, value in headers.items() if name not in self.HEADERS}
                self.assertEqual(rest, own[model.split("/")[0]])

    def test_nothing_but_the_prompt(self):
        said = [{"role": "user", "content": "hello"}]
        chat = {"messages": said, "stream": True, "stream_options": {"include_usage": True}}
        expected = {
            "openai": {"model": "gpt-5-counterpart", **chat},
            # Nothing is kept at the provider unless the user asks for it.
            "answers": {"model": "gpt-5-counterpart", "input": said, "store": False, "stream": True},
            # The Messages API wants a limit.
            "anthropic": {
                "model": "claude-opus-4-counterpart",
                "messages": [{"role": "user", "content": [{"type": "text", "text": "hello"}]}],
                "max_tokens": 8192,
                "stream": True,
            },
            "google": {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]},
            # It always tells the usage.
            "openrouter": {"model": "lab/gpt-5-counterpart", "messages": said, "stream": True},
            "ollama": {"model": "qwen3-counterpart", **chat},
        }
        for model in MODELS:
            with self.subTest(model):
                self.assertEqual(self.sent(model).body, expected[model.split("/")[0]])

    def test_whole_answers_are_asked_for_without_a_stream(self):
        for model in MODELS:
            with self.subTest(model):
                body = self.sent(model, "--no-stream").body
                self.assertNotIn("stream_options", body)
                self.assertFalse(body.get("stream", False))

    def test_every_parameter_that_was_set(self):
        limits = {"temperature": 0.5, "top_p": 0.9}
        chat = {**limits, "seed": 7, "stop": ["END"]}
        expected = {
            "openai": {**chat, "max_completion_tokens": 64},
            "answers": {**limits, "max_output_tokens": 64, "instructions": "Be brief."},
            # Claude 4.1 and later refuse the two together: pollm says that it drops one.
            "anthropic": {"temperature": 0.5, "max_tokens": 64, "stop_sequences": ["END"], "system": "Be brief."},
            "google": {
                "systemInstruction": {"parts": [{"text": "Be brief."}]},
                "generationConfig": {
                    "temperature": 0.5,
                    "topP": 0.9,
                    "maxOutputTokens": 64,
                    "seed": 7,
                    "stopSequences": ["END"],
                },
            },
            "openrouter": {**chat, "max_completion_tokens": 64},
            "ollama": {**chat, "max_tokens": 64},
        }
        args = ["-s", "Be brief.", "--temperature", "0.5", "--top-p", "0.9"]
        args += ["--max-tokens", "64", "--stop", "END", "--seed", "7"]
        for model in MODELS:
            with self.subTest(model):
                plain, body = self.sent(model).body, self.sent(model, *args).body
                said = {name: body[name] for name in body if plain.get(name) != body[name]}
                for name in ("messages", "contents"):
                    said.pop(name, None)
                self.assertEqual(said, expected[model.split("/")[0]])
                # As aimock understood it, whatever the protocol.
                understood = server.control("GET", "journal")[-1]["body"]
                self.assertEqual(understood["temperature"], 0.5)
                self.assertEqual(understood["messages"][0]["content"], "Be brief.")

    def test_options_go_as_they_are(self):
        for model in MODELS:
            with self.subTest(model):
                body = self.sent(model, "-o", "metadata.team=a", "-o", "top_k=40").body
                self.assertEqual((body["metadata"], body["top_k"]), ({"team": "a"}, 40))


class Faults(Case):
    """Scripted failures: the exit code, the status, and how often was asked."""

    def fault(self, model, code, *args, fixtures):
        server.answers(*fixtures)
        run = self.ask("-m", model, "hello", "--json", *args, code=code)
        return run.json, server.statuses()

    def test_retries_after_a_rate_limit(self):
        fixtures = [fails(429, {"sequenceIndex": 0}, type="rate_limit_error", retryAfter=0), says()]
        for model in MODELS:
            with self.subTest(model):
                for how in ([], ["--no-stream"]):
                    got, statuses = self.fault(model, 0, *how, fixtures=fixtures)
                    self.assertEqual((got["status"], got["text"], got["timing"]["attempts"]), ("ok", TEXT, 2))
                    self.assertEqual(statuses, [429, 200])
                    self.assertEqual([request["status"] for request in got["requests"]], statuses)

    def test_waits_as_long_as_the_provider_says(self):
        fixtures = [fails(429, {"sequenceIndex": 0}, retryAfter=2), says()]
        got, statuses = self.fault("openai/gpt-5-counterpart", 0, fixtures=fixtures)
        self.assertGreaterEqual(got["requests"][0]["waited_ms"], 2000)
        self.assertEqual(statuses, [429, 200])

    def test_a_wait_that_is_too_long_is_not_waited_for(self):
        got, statuses = self.fault("openai/gpt-5-counterpart", 1, fixtures=[fails(429, retryAfter=3600)])
        self.assertEqual((got["error"]["status"], statuses), (429, [429]))

    def test_retries_after_a_server_error_and_gives_up(self):
        for model in MODELS:
            with self.subTest(model):
                got, statuses = self.fault(model, 1, "--retries", "1", fixtures=[fails(500)])
                self.assertEqual((got["status"], got["error"]["status"]), ("error", 500))
                self.assertIn("no luck", got["error"]["message"])
                self.assertEqual(statuses, [500, 500])

    def test_never_retries_what_can_not_succeed(self):
        for model in MODELS:
            with self.subTest(model):
                for status, code in ((400, 1), (401, 5), (403, 5), (404, 1), (422, 1)):
                    got, statuses = self.fault(model, code, fixtures=[fails(status)])
                    self.assertEqual((got["error"]["status"], statuses), (status, [status]))
                    self.assertFalse(got["error"]["retryable"], status)

    def test_a_wrong_key_is_told_apart(self):
        server.answers(says())
        # Ollama's has no key of its own to be wrong.
        for variable in ("OPENAI_API_KEY", "ANSWERS_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "OPENROUTER_API_KEY"):
            self.pollm.variables[variable] = "sk-wrong"
        for model in [model for model in MODELS if not model.startswith("ollama/")]:
            with self.subTest(model):
                run = self.ask("-m", model, "hello", "--json", code=5)
                self.assertEqual(run.json["error"]["status"], 401)
                self.assertNotIn("sk-wrong", run.out + run.err)

    def test_malformed_answers(self):
        for model in MODELS:
            with self.subTest(model):
                for how in ([], ["--no-stream"]):
                    got, statuses = self.fault(model, 1, *how, fixtures=[says(chaos={"malformedRate": 1})])
                    self.assertEqual((got["status"], got["text"], statuses), ("error", "", [200]), how)

    def test_a_lost_answer_is_not_asked_for_again(self):
        fixtures = [says(chaos={"disconnectRate": 1})]
        for model in MODELS:
            with self.subTest(model):
                got, statuses = self.fault(model, 1, fixtures=fixtures)
                self.assertTrue(got["possibly_billed"])
                self.assertEqual(statuses, [0])
                got, statuses = self.fault(model, 1, "--retry-ambiguous", "--retries", "1", fixtures=fixtures)
                self.assertEqual(statuses, [0, 0])

    def test_a_stream_that_breaks_off_keeps_what_came(self):
        fixtures = [says(chunkSize=5, latency=20, truncateAfterChunks=8)]
        for model in MODELS:
            with self.subTest(model):
                got, statuses = self.fault(model, 1, fixtures=fixtures)
                self.assertEqual((got["status"], got["finish"]), ("partial", "cut"))
                self.assertTrue(got["text"] and TEXT.startswith(got["text"]), got["text"])
                self.assertEqual(len(statuses), 1)

    def test_the_deadline_holds_for_headers_and_for_the_stream(self):
        for model in MODELS:
            with self.subTest(model):
                late, slow = says(chaos={"latencyMs": 20_000}), says(chunkSize=1, latency=1000)
                got, _ = self.fault(model, 6, "--timeout", "0.5", fixtures=[late])
                self.assertEqual((got["status"], got["text"]), ("error", ""))
                got, _ = self.fault(model, 6, "--timeout", "0.5", fixtures=[slow])
                self.assertLess(len(got["text"]), len(TEXT))

    def test_the_next_model_takes_over(self):
        server.answers(fails(503, {"model": "gpt-5-counterpart"}), says())
        got = self.ask(
            "-m", "openai/gpt-5-counterpart,anthropic/claude-opus-4-counterpart", "hello", "--json", "--retries", "0"
        ).json
        self.assertEqual((got["model"], got["text"]), ("anthropic/claude-opus-4-counterpart", TEXT))
        self.assertEqual(server.statuses(), [503, 200])
        self.assertEqual([failed["model"] for failed in got["failed"]], ["openai/gpt-5-counterpart"])


if __name__ == "__main__":
    unittest.main()
