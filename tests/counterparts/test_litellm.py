"""`pollm` against LiteLLM's proxy, a gateway that many teams have.

It stands in front of aimock, so that what a model counted is known, and shows
the same model in four protocols.
"""

import json
import os
import pathlib
import tempfile
import unittest

import servers
from aimock import KEY, TEXT, Server, fails, says
from program import Pollm

# Each face of the gateway with what stands behind it: the same protocol, and
# for the Chat Completions one that it translates too.
FACES = ("chat/gpt", "chat/claude", "chat/gemini", "answers/gpt", "messages/claude", "messages/gpt", "gemini/gemini")

BEHIND = """
model_list:
  - model_name: gpt
    litellm_params: {{model: openai/gpt-5-counterpart, api_base: "{url}/v1", api_key: {key}}}
  - model_name: claude
    litellm_params: {{model: anthropic/claude-opus-4-counterpart, api_base: "{url}", api_key: {key}}}
  - model_name: gemini
    litellm_params: {{model: gemini/gemini-2.5-pro-counterpart, api_base: "{url}/v1beta", api_key: {key}}}
general_settings: {{master_key: sk-gateway}}
litellm_settings: {{num_retries: 0, telemetry: false}}
router_settings: {{num_retries: 0, disable_cooldowns: true}}
"""

CONFIG = """
[providers.chat]
protocol = "openai-chat"
base_url = "{url}/v1"
key_env = "GATEWAY_KEY"
[providers.chat.models.gpt]
input = "2.00"
output = "10.00"
[providers.answers]
protocol = "openai-responses"
base_url = "{url}/v1"
key_env = "GATEWAY_KEY"
[providers.messages]
protocol = "anthropic"
base_url = "{url}/v1"
key_env = "GATEWAY_KEY"
[providers.gemini]
protocol = "gemini"
base_url = "{url}/v1beta"
key_env = "GATEWAY_KEY"
[providers.open]
protocol = "openai-chat"
base_url = "{url}/v1"
auth = "none"
"""


class Gateway:
    """The proxy, and the model behind it."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="litellm-")
        folder = pathlib.Path(self.folder.name)
        self.model = Server(folder)
        config = folder / "config.yaml"
        config.write_text(BEHIND.format(url=self.model.url, key=KEY))
        port = servers.free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.process = servers.Process(
            [os.environ["LITELLM"], "--host", "127.0.0.1", "--port", str(port), "--config", str(config)],
            folder / "gateway.log",
            # Else it fetches a list of prices from the network.
            LITELLM_LOCAL_MODEL_COST_MAP="True",
            NO_PROXY="127.0.0.1",
        )

    def wait(self):
        self.process.wait_for(f"{self.url}/health/readiness", 150)

    def close(self):
        self.process.stop()
        self.model.close()
        self.folder.cleanup()


# It takes half a minute to start: meanwhile the cases of other files run.
gateway = Gateway()


def setUpModule():
    unittest.addModuleCleanup(gateway.close)
    gateway.wait()


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.pollm = Pollm(CONFIG.format(url=gateway.url), GATEWAY_KEY="sk-gateway")
        self.addCleanup(self.pollm.close)

    def run_pollm(self, *args, code=0):
        run = self.pollm.run(*args)
        self.assertEqual(run.code, code, run)
        return run


class Answers(Case):
    def test_text_and_usage_are_the_model_s(self):
        gateway.model.answers(says())
        for face in FACES:
            for how in ([], ["--no-stream"]):
                with self.subTest(face, how=how):
                    got = self.run_pollm("ask", "-m", face, "hello", "--json", *how).json
                    self.assertEqual((got["status"], got["finish"], got["text"]), ("ok", "stop", TEXT))
                    usage = {name: got["usage"][name] for name in ("input", "output", "source")}
                    self.assertEqual(usage, {"input": 1200, "output": 34, "source": "reported"})
                    if face == "chat/gpt":
                        self.assertEqual((got["cost"]["usd"], got["cost"]["source"]), ("0.00274", "computed"))

    def test_a_pipe_gets_the_text_alone(self):
        gateway.model.answers(says())
        for face in FACES:
            with self.subTest(face):
                run = self.run_pollm("ask", "-m", face, "hello")
                self.assertEqual((run.out, run.err), (TEXT + "\n", ""))

    def test_usage_that_the_gateway_keeps_to_itself_is_estimated(self):
        # It doesn't ask the model for the usage of a stream that it turns from
        # Chat Completions into Gemini's, and so can't tell it.
        gateway.model.answers(says())
        usage = self.run_pollm("ask", "-m", "gemini/gpt", "hello", "--json").json["usage"]
        self.assertEqual(usage["source"], "estimated")

    def test_reasoning_comes_through(self):
        gateway.model.answers(says(reasoning="Fruit grows on trees."))
        for face in ("chat/gpt", "chat/claude", "answers/gpt", "messages/claude", "gemini/gemini"):
            with self.subTest(face):
                got = self.run_pollm("ask", "-m", face, "hello", "--json").json
                self.assertEqual((got["reasoning"], got["text"]), ("Fruit grows on trees.", TEXT))

    def test_parameters_reach_the_model(self):
        gateway.model.answers(says())
        args = ["-s", "Be brief.", "--temperature", "1", "--max-tokens", "64"]
        for face in ("chat/gpt", "answers/gpt", "messages/claude", "gemini/gemini"):
            with self.subTest(face):
                self.run_pollm("ask", "-m", face, "hello", *args)
                sent = gateway.model.tap.take()[-1]
                text = json.dumps(sent.body)
                self.assertIn("Be brief.", text)
                self.assertIn("64", text)
                self.assertIn("temperature", text)

    def test_all_faces_side_by_side(self):
        gateway.model.answers(says())
        run = self.run_pollm("compare", "-m", ",".join(FACES), "hello", "--json")
        self.assertEqual([lane["model"] for lane in run.json["lanes"]], list(FACES))
        for lane in run.json["lanes"]:
            self.assertEqual((lane["status"], lane["text"], lane["usage"]["output"]), ("ok", TEXT, 34), lane["model"])

    def test_its_models_are_listed(self):
        # It has no list in Gemini's shape.
        for provider in ("chat", "answers", "messages"):
            with self.subTest(provider):
                run = self.run_pollm("models", "--live", "--provider", provider, "--json")
                for model in ("gpt", "claude", "gemini"):
                    self.assertIn(f'"{provider}/{model}"', run.out)


class Faults(Case):
    def test_without_a_key_it_is_the_key_that_is_wrong(self):
        run = self.run_pollm("ask", "-m", "open/gpt", "hello", "--json", code=5)
        self.assertEqual(run.json["error"]["status"], 401)

    def test_a_wrong_key_fails_at_once(self):
        # A gateway without a database has no word for it but 400.
        self.pollm.variables["GATEWAY_KEY"] = "sk-wrong"
        for face in ("chat/gpt", "answers/gpt", "messages/claude", "gemini/gemini"):
            with self.subTest(face):
                run = self.run_pollm("ask", "-m", face, "hello", "--json", code=1)
                self.assertEqual(run.json["timing"]["attempts"], 1)
                self.assertNotIn("sk-wrong", run.out + run.err)

    def test_an_unknown_model_fails_at_once(self):
        for provider in ("chat", "answers", "messages", "gemini"):
            with self.subTest(provider):
                run = self.run_pollm("ask", "-m", f"{provider}/nobody", "hello", "--json", code=1)
                self.assertEqual(run.json["timing"]["attempts"], 1)
                self.assertIn("nobody", run.json["error"]["message"])

    def test_a_rate_limit_behind_it_is_tried_again(self):
        for face in ("chat/gpt", "answers/gpt", "messages/claude", "gemini/gemini"):
            with self.subTest(face):
                gateway.model.answers(fails(429, {"sequenceIndex": 0}, type="rate_limit_error"), says())
                got = self.run_pollm("ask", "-m", face, "hello", "--json").json
                self.assertEqual((got["text"], got["timing"]["attempts"]), (TEXT, 2))
                self.assertEqual(gateway.model.statuses(), [429, 200])


if __name__ == "__main__":
    unittest.main()
