"""Embeddings by the official packages against a running `overtake serve`; run by ../run.sh."""
import math
import os
import unittest

import ollama
import openai
from google import genai
from google.genai import errors, types

URL = os.environ["OVERTAKE_TEST_URL"]
HAS_MODEL = "smollm2" in os.environ["OVERTAKE_TEST_MODELS"].split()
EIGHTH = [0.125] * 64  # what `null` gives
TEXTS = ["A cat sat on the mat.", "The kitten lies on the rug.", "Interest rates rose by 2 %."]


def cosine(a, b):
    """Of vectors of length 1."""
    return math.fsum(x * y for x, y in zip(a, b))


class EmbeddingsTest(unittest.TestCase):
    def setUp(self):
        self.openai = openai.OpenAI(base_url=URL + "/v1", api_key="any", max_retries=0)
        self.addCleanup(self.openai.close)
        gemini = genai.Client(api_key="any", http_options=types.HttpOptions(base_url=URL))
        self.addCleanup(gemini.close)
        self.gemini = gemini.models
        self.ollama = ollama.Client(host=URL)
        self.addCleanup(self.ollama._client.close)

    def test_openai(self):
        create = self.openai.embeddings.create
        answer = create(model="null", input="hello")  # the package asks for base64
        self.assertEqual([each.embedding for each in answer.data], [EIGHTH])
        self.assertEqual((answer.object, answer.model), ("list", "null"))
        self.assertEqual((answer.usage.prompt_tokens, answer.usage.total_tokens), (2, 2))
        floats = create(model="null", input=["a", "b"], dimensions=4, encoding_format="float")
        self.assertEqual([each.embedding for each in floats.data], [[0.5] * 4] * 2)
        self.assertEqual([each.index for each in floats.data], [0, 1])
        self.assertEqual(create(model="null", input=[1, 2, 3]).usage.prompt_tokens, 3)
        self.assertEqual(len(create(model="null", input=[[1], [2, 3]]).data), 2)
        for wrong in ({"input": ""}, {"input": []}, {"input": "a", "dimensions": 0}):
            with self.assertRaises(openai.BadRequestError):
                create(model="null", **wrong)
        with self.assertRaises(openai.NotFoundError):
            create(model="nobody", input="a")
        with self.assertRaises(openai.BadRequestError) as caught:
            create(model="null", input="a" * 600_000)
        self.assertEqual(caught.exception.code, "context_length_exceeded")

    def test_gemini(self):
        answer = self.gemini.embed_content(model="null", contents="hello")
        self.assertEqual([each.values for each in answer.embeddings], [EIGHTH])
        config = {"output_dimensionality": 4, "task_type": "RETRIEVAL_DOCUMENT", "title": "t"}
        answer = self.gemini.embed_content(model="null", contents=["a", "b"], config=config)
        self.assertEqual([each.values for each in answer.embeddings], [[0.5] * 4] * 2)
        self.assertIn("embedContent", self.gemini.get(model="null").supported_actions)
        with self.assertRaises(errors.ClientError) as caught:
            self.gemini.embed_content(model="null", contents="a" * 600_000)
        self.assertEqual(caught.exception.status, "INVALID_ARGUMENT")

    def test_ollama(self):
        answer = self.ollama.embed("null", "hello")
        self.assertEqual((answer.model, answer.embeddings), ("null", [EIGHTH]))
        self.assertEqual(answer.prompt_eval_count, 2)
        self.assertGreater(answer.total_duration, 0)
        self.assertEqual(self.ollama.embed("null", ["a", "b"], dimensions=4).embeddings,
                         [[0.5] * 4] * 2)
        self.assertEqual(self.ollama.embeddings("null", "hello").embedding, EIGHTH)
        self.assertIn("embedding", self.ollama.show("null").capabilities)
        cut = self.ollama.embed("null", "a" * 600_000)
        self.assertEqual(cut.prompt_eval_count, 131_072)
        with self.assertRaises(ollama.ResponseError) as caught:
            self.ollama.embed("null", "a" * 600_000, truncate=False)
        self.assertEqual(caught.exception.status_code, 400)

    @unittest.skipUnless(HAS_MODEL, "smollm2 is not in the store")
    def test_smollm2(self):
        data = self.openai.embeddings.create(model="smollm2", input=TEXTS).data
        vectors = [each.embedding for each in data]
        self.assertEqual({len(each) for each in vectors}, {576})
        for each in vectors:
            self.assertAlmostEqual(cosine(each, each), 1, places=5)
        self.assertGreater(cosine(vectors[0], vectors[1]), cosine(vectors[0], vectors[2]))
        gemini = self.gemini.embed_content(model="smollm2", contents=TEXTS).embeddings
        for found in ([each.values for each in gemini],
                      self.ollama.embed("smollm2", TEXTS).embeddings):
            for mine, other in zip(vectors, found):
                self.assertGreater(cosine(mine, other), 1 - 1e-6)


if __name__ == "__main__":
    unittest.main()
