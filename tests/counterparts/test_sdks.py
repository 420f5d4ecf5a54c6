"""What `pollm` sends, beside what the vendors' own clients send for the same.

Both ask a server that only listens, with a key of its own. Where the bodies
differ on purpose, the case says so.
"""

import json
import re
import unittest

import anthropic
import openai
from google import genai

import servers
from program import Pollm

KEY = "sk-counterpart"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0\x1f\x15\xc4\x89"
PNG_BASE64 = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"
SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer"}},
    "required": ["n"],
    "additionalProperties": False,
}

CONFIG = """
[providers.answers]
protocol = "openai-responses"
base_url = "{url}/v1"
key_env = "OPENAI_API_KEY"
"""

# The shortest whole stream of each API, of the text `{"n":3}`.
CHAT = [
    {"choices": [{"index": 0, "delta": {"content": '{"n":3}'}, "finish_reason": "stop"}]},
]
RESPONSES = [
    {
        "type": "response.completed",
        "sequence_number": 0,
        "response": {
            "id": "r",
            "object": "response",
            "status": "completed",
            "output": [
                {
                    "type": "message",
                    "id": "m",
                    "role": "assistant",
                    "status": "completed",
                    "content": [{"type": "output_text", "text": '{"n":3}', "annotations": []}],
                }
            ],
        },
    }
]
MESSAGES = [
    {
        "type": "message_start",
        "message": {
            "id": "m",
            "type": "message",
            "role": "assistant",
            "model": "house",
            "content": [],
            "usage": {"input_tokens": 1, "output_tokens": 1},
        },
    },
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": '{"n":3}'}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}},
    {"type": "message_stop"},
]
GEMINI = [{"candidates": [{"content": {"role": "model", "parts": [{"text": '{"n":3}'}]}, "finishReason": "STOP"}]}]


def stream(events, end=""):
    lines = []
    for event in events:
        if "type" in event:
            lines.append(f"event: {event['type']}\n")
        lines.append(f"data: {json.dumps(event)}\n\n")
    body = ("".join(lines) + end).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Case(unittest.TestCase):
    maxDiff = None
    answer = b""

    @classmethod
    def setUpClass(cls):
        cls.tap = servers.Tap(answer=cls.answer)
        cls.addClassCleanup(cls.tap.close)
        url = cls.tap.url
        cls.pollm = Pollm(
            CONFIG.format(url=url),
            OPENAI_BASE_URL=f"{url}/v1",
            OPENAI_API_KEY=KEY,
            ANTHROPIC_BASE_URL=url,
            ANTHROPIC_API_KEY=KEY,
            GOOGLE_GEMINI_BASE_URL=url,
            GEMINI_API_KEY=KEY,
        )
        cls.addClassCleanup(cls.pollm.close)
        (cls.pollm.work / "dot.png").write_bytes(PNG)
        (cls.pollm.work / "schema.json").write_text(json.dumps(SCHEMA))

    def sent(self, ask):
        """The one request that this makes."""
        self.tap.take()
        ask()
        requests = self.tap.take()
        self.assertEqual(len(requests), 1)
        return requests[0]

    def by_pollm(self, *args):
        def ask():
            run = self.pollm.run("ask", *args)
            self.assertEqual(run.code, 0, run)

        return self.sent(ask)

    def same(self, ours, theirs, *headers):
        self.assertEqual((ours.method, ours.path), (theirs.method, theirs.path))
        self.assertEqual(ours.body, theirs.body)
        for header in ("content-type", *headers):
            self.assertEqual(ours.headers[header], theirs.headers[header])


class ChatCompletions(Case):
    answer = stream(CHAT, "data: [DONE]\n\n")

    def theirs(self, **body):
        with openai.OpenAI(api_key=KEY, base_url=f"{self.tap.url}/v1", max_retries=0) as client:
            return self.sent(lambda: list(client.chat.completions.create(model="house", stream=True, **body)))

    def check(self, args, **body):
        # pollm asks for the usage too: its costs are made of it.
        body["stream_options"] = {"include_usage": True}
        self.same(self.by_pollm("-m", "openai/house", *args), self.theirs(**body), "authorization")

    def test_a_prompt(self):
        self.check(["hello"], messages=[{"role": "user", "content": "hello"}])

    def test_parameters(self):
        self.check(
            ["-s", "Be brief.", "--temperature", "0.5", "--top-p", "0.9", "--max-tokens", "64"]
            + ["--stop", "END", "--seed", "7", "--effort", "low", "hello"],
            messages=[{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "hello"}],
            temperature=0.5,
            top_p=0.9,
            max_completion_tokens=64,
            stop=["END"],
            seed=7,
            reasoning_effort="low",
        )

    def test_an_image(self):
        url = f"data:image/png;base64,{PNG_BASE64}"
        content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "what is it?"}]
        self.check(["-a", "dot.png", "what is it?"], messages=[{"role": "user", "content": content}])

    def test_a_schema(self):
        form = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": SCHEMA}}
        self.check(
            ["--schema", "schema.json", "hello"],
            messages=[{"role": "user", "content": "hello"}],
            response_format=form,
        )


class Responses(Case):
    answer = stream(RESPONSES)

    def check(self, args, **body):
        with openai.OpenAI(api_key=KEY, base_url=f"{self.tap.url}/v1", max_retries=0) as client:
            # pollm leaves nothing at the provider.
            theirs = self.sent(lambda: list(client.responses.create(model="house", stream=True, store=False, **body)))
        self.same(self.by_pollm("-m", "answers/house", *args), theirs, "authorization")

    def test_a_prompt(self):
        self.check(["hello"], input=[{"role": "user", "content": "hello"}])

    def test_parameters(self):
        self.check(
            ["-s", "Be brief.", "--temperature", "0.5", "--top-p", "0.9", "--max-tokens", "64"]
            + ["--effort", "low", "hello"],
            input=[{"role": "user", "content": "hello"}],
            instructions="Be brief.",
            temperature=0.5,
            top_p=0.9,
            max_output_tokens=64,
            reasoning={"effort": "low"},
        )

    def test_an_image(self):
        url = f"data:image/png;base64,{PNG_BASE64}"
        content = [{"type": "input_image", "image_url": url}, {"type": "input_text", "text": "what is it?"}]
        self.check(["-a", "dot.png", "what is it?"], input=[{"role": "user", "content": content}])

    def test_a_schema(self):
        form = {"type": "json_schema", "name": "answer", "strict": True, "schema": SCHEMA}
        self.check(
            ["--schema", "schema.json", "hello"],
            input=[{"role": "user", "content": "hello"}],
            text={"format": form},
        )


class Messages(Case):
    """Of two versions of the API that are both served: pollm speaks the one that
    still has a temperature, and their client, since its second major, the other."""

    answer = stream(MESSAGES)

    def check(self, args, extra=None, **body):
        with anthropic.Anthropic(api_key=KEY, base_url=self.tap.url, max_retries=0) as client:
            create = client.messages.create
            theirs = self.sent(lambda: list(create(model="house", stream=True, extra_body=extra, **body)))
        ours = self.by_pollm("-m", "anthropic/house", *args)
        self.same(ours, theirs)
        self.assertEqual((ours.headers["x-api-key"], ours.headers["anthropic-version"]), (KEY, "2023-06-01"))
        self.assertEqual(theirs.headers["authorization"], f"Bearer {KEY}")

    def test_a_prompt(self):
        self.check(
            ["--max-tokens", "64", "hello"],
            max_tokens=64,
            messages=[{"role": "user", "content": [{"type": "text", "text": "hello"}]}],
        )

    def test_parameters(self):
        self.check(
            ["-s", "Be brief.", "--temperature", "0.5", "--max-tokens", "64", "--stop", "END", "hello"],
            max_tokens=64,
            system="Be brief.",
            messages=[{"role": "user", "content": [{"type": "text", "text": "hello"}]}],
            extra={"temperature": 0.5},
            stop_sequences=["END"],
        )

    def test_effort(self):
        self.check(
            ["--max-tokens", "2048", "--effort", "low", "hello"],
            max_tokens=2048,
            messages=[{"role": "user", "content": [{"type": "text", "text": "hello"}]}],
            output_config={"effort": "low"},
            thinking={"type": "adaptive", "display": "summarized"},
        )

    def test_an_image(self):
        source = {"type": "base64", "media_type": "image/png", "data": PNG_BASE64}
        self.check(
            ["--max-tokens", "64", "-a", "dot.png", "what is it?"],
            max_tokens=64,
            messages=[
                {
                    "role": "user",
                    "content": [{"type": "image", "source": source}, {"type": "text", "text": "what is it?"}],
                }
            ],
        )

    def test_a_schema(self):
        self.check(
            ["--max-tokens", "64", "--schema", "schema.json", "hello"],
            max_tokens=64,
            messages=[{"role": "user", "content": [{"type": "text", "text": "hello"}]}],
            output_config={"format": {"type": "json_schema", "schema": SCHEMA}},
        )


def camel(value):
    """JSON as Google's APIs print it: they read `mime_type` as `mimeType`, and their client mixes the two."""
    if isinstance(value, list):
        return [camel(part) for part in value]
    if not isinstance(value, dict):
        return value
    return {re.sub("_([a-z])", lambda found: found[1].upper(), name): camel(part) for name, part in value.items()}


class Gemini(Case):
    answer = stream(GEMINI)

    def check(self, args, contents, **config):
        # Theirs asks for v1 by default, where the aliases of the latest models aren't served.
        client = genai.Client(api_key=KEY, http_options={"base_url": self.tap.url, "api_version": "v1beta"})
        ask = client.models.generate_content_stream
        config = genai.types.GenerateContentConfig(**config)
        theirs = self.sent(lambda: list(ask(model="house", contents=contents, config=config)))
        theirs.body = camel(theirs.body)
        # Their client calls the system prompt the user's, which the API ignores.
        theirs.body.get("systemInstruction", {}).pop("role", None)
        if theirs.body.get("generationConfig") == {}:
            del theirs.body["generationConfig"]
        self.same(self.by_pollm("-m", "google/house", *args), theirs, "x-goog-api-key")

    def test_a_prompt(self):
        self.check(["hello"], "hello")

    def test_parameters(self):
        self.check(
            ["-s", "Be brief.", "--temperature", "0.5", "--top-p", "0.9", "--max-tokens", "64"]
            + ["--stop", "END", "--seed", "7", "--effort", "low", "hello"],
            "hello",
            system_instruction="Be brief.",
            temperature=0.5,
            top_p=0.9,
            max_output_tokens=64,
            stop_sequences=["END"],
            seed=7,
            thinking_config=genai.types.ThinkingConfig(include_thoughts=True, thinking_level="LOW"),
        )

    def test_an_image(self):
        image = genai.types.Part.from_bytes(data=PNG, mime_type="image/png")
        self.check(["-a", "dot.png", "what is it?"], [image, "what is it?"])

    def test_a_schema(self):
        self.check(
            ["--schema", "schema.json", "hello"],
            "hello",
            response_mime_type="application/json",
            response_json_schema=SCHEMA,
        )


if __name__ == "__main__":
    unittest.main()
