"""`overtake serve` with the real default model, spoken to as curl would."""
import json
import socket
import threading
import time
import unittest

import program

CHAT = "/v1/chat/completions"
QUESTION = {"model": "smollm2", "temperature": 0, "max_tokens": 16,
            "messages": [{"role": "user", "content": "What is the capital of France?"}]}


class Serve(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = program.Server()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def test_health_and_models(self):
        self.assertEqual(200, self.server.get("/healthz")[0])
        status, text = self.server.get("/v1/models")
        self.assertEqual((200, "smollm2"), (status, json.loads(text)["data"][0]["id"]))

    def test_the_chat_page_is_there(self):
        status, text = self.server.get("/")
        self.assertEqual(200, status)
        self.assertIn("<html", text.lower())

    def test_a_streamed_answer_equals_the_whole_one(self):
        status, text = self.server.post(CHAT, QUESTION)
        self.assertEqual(200, status, text)
        whole = json.loads(text)["choices"][0]["message"]["content"]
        self.assertIn("Paris", whole)
        events, done = self.server.stream(CHAT, QUESTION)
        self.assertTrue(done)
        pieces = [e["choices"][0]["delta"].get("content") or "" for e in events if e["choices"]]
        self.assertEqual(whole, "".join(pieces))
        self.assertGreater(len(pieces), 3)

    def test_several_at_once_answer_as_one_alone(self):
        alone = json.loads(self.server.post(CHAT, QUESTION)[1])["choices"][0]["message"]["content"]
        answers = [None] * 6

        def ask(i):
            answers[i] = json.loads(self.server.post(CHAT, QUESTION)[1])
        threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(answers))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual({alone}, {a["choices"][0]["message"]["content"] for a in answers})

    def ask_in_form(self, seed, path=CHAT, **form):
        body = {**QUESTION, "temperature": 2, "seed": seed, "max_tokens": 300, **form}
        status, text = self.server.post(path, body)
        self.assertEqual(200, status, text)
        return json.loads(text)

    def test_answers_keep_to_their_form_however_hot_they_are(self):
        person = {"type": "object", "additionalProperties": False,
                  "properties": {"name": {"type": "string", "maxLength": 20},
                                 "age": {"type": "integer", "minimum": 0, "maximum": 150},
                                 "tags": {"type": "array", "items": {"enum": ["a", "b"]},
                                          "maxItems": 4}},
                  "required": ["name", "age", "tags"]}
        schema = {"type": "json_schema", "json_schema": {"name": "p", "schema": person}}
        for seed in range(8):
            answer = self.ask_in_form(seed, response_format=schema)["choices"][0]
            self.assertEqual("stop", answer["finish_reason"])
            value = json.loads(answer["message"]["content"])
            self.assertEqual(["name", "age", "tags"], list(value))
            self.assertTrue(len(value["name"]) <= 20 and 0 <= value["age"] <= 150)
            self.assertTrue(set(value["tags"]) <= {"a", "b"} and len(value["tags"]) <= 4)
        for form, allowed in (({"guided_regex": "(19|20)[0-9]{2}"}, r"(19|20)\d\d"),
                              ({"guided_choice": ["Paris", "Rome"]}, "Paris|Rome"),
                              ({"grammar": 'root ::= "<" [a-z]{1,5} ">"'}, "<[a-z]{1,5}>")):
            text = self.ask_in_form(1, **form)["choices"][0]["message"]["content"]
            self.assertRegex(text, f"^({allowed})$")
        answer = self.ask_in_form(3, response_format={"type": "json_object"})["choices"][0]
        if answer["finish_reason"] == "stop":
            self.assertIsInstance(json.loads(answer["message"]["content"]), dict)
        answer = self.ask_in_form(5, "/api/chat", format=person, stream=False)
        self.assertIn("age", json.loads(answer["message"]["content"]))

    def test_a_form_that_can_not_be_held_is_refused(self):
        for schema, words in (({"type": "strin"}, "unknown type"),
                              ({"not": {}}, "can not be held"),
                              ({"$ref": "#/$defs/x"}, "names nothing"),
                              ({"type": "integer", "minimum": 2, "maximum": 1}, "no text")):
            form = {"type": "json_schema", "json_schema": {"name": "p", "schema": schema}}
            status, text = self.server.post(CHAT, {**QUESTION, "response_format": form})
            self.assertEqual(400, status, text)
            self.assertIn(words, json.loads(text)["error"]["message"])

    def test_bad_requests_are_refused_and_the_server_lives_on(self):
        bodies = [{}, {"model": "smollm2"}, {**QUESTION, "model": "no-such-model"},
                  {**QUESTION, "temperature": "hot"}, {**QUESTION, "messages": []}, [], "text"]
        for body in bodies:
            status, text = self.server.post(CHAT, body)
            self.assertIn(status, (400, 404, 422), (body, text))
            self.assertIn("message", json.loads(text)["error"])
        self.assertEqual(404, self.server.get("/no/such/page")[0])
        self.assertEqual(200, self.server.get("/healthz")[0])

    def test_a_prompt_that_does_not_fit_has_its_code(self):
        body = {**QUESTION, "messages": [{"role": "user", "content": "word " * 9000}]}
        status, text = self.server.post(CHAT, body)
        self.assertEqual((400, "context_length_exceeded"),
                         (status, json.loads(text)["error"]["code"]))

    def test_clients_that_leave_do_no_harm(self):
        body = json.dumps({**QUESTION, "stream": True, "max_tokens": 2000}).encode()
        head = (f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n").encode()
        for _ in range(8):
            with socket.create_connection(("127.0.0.1", self.server.port)) as client:
                client.sendall(head + body)
                client.recv(200)
        start = time.monotonic()
        self.assertEqual(200, self.server.post(CHAT, QUESTION)[0])
        self.assertLess(time.monotonic() - start, 20)


class Start(unittest.TestCase):
    def test_a_taken_port_is_an_error_in_words(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            done = program.run("serve", "--port", str(port))
            self.assertEqual(1, done.returncode)
            self.assertIn(str(port), done.stderr)

    def test_a_signal_ends_it_cleanly(self):
        server = program.Server()
        self.assertEqual(0, server.stop())
