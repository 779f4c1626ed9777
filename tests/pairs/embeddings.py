"""Texts as vectors, from every dialect that has them to every provider that gives them."""
import base64
import itertools
import json
import struct
import time

from simulator import faults as simulated_faults
from simulator.scenes import vector

from . import gemini, ollama, openai, world
from .conversation import Broken

TEXTS = ("naïve 漢字 🙂 \u2028 \"q\"", "two")
IDS = ((5, 6, 7), (8,))
# What each proves is its name in docs/compatibility.md.
ASKED = {
    "embeddings": {"texts": TEXTS},
    "embeddings of one text": {"texts": TEXTS[:1]},
    "embeddings of token ids": {"ids": IDS},
    "embeddings with fewer dimensions": {"texts": TEXTS, "dimensions": 2},
    "embeddings for a task": {"texts": TEXTS, "task": "RETRIEVAL_DOCUMENT", "title": "T"},
}
_tags = itertools.count()


# ---- what the dialects' clients send and read


def write_openai(model, texts=None, ids=None, dimensions=None, task=None, title=None):
    if task:
        return None
    body = {"model": model, "input": list(texts or map(list, ids)), "encoding_format": "base64"}
    return "/v1/embeddings", {**body, **({"dimensions": dimensions} if dimensions else {})}


def read_openai(answer):
    if [each["index"] for each in answer["data"]] != list(range(len(answer["data"]))):
        raise Broken(f"indices: {answer}")
    coded = [base64.b64decode(each["embedding"], validate=True) for each in answer["data"]]
    return ([list(struct.unpack(f"<{len(each) // 4}f", each)) for each in coded],
            answer["usage"]["prompt_tokens"])


def write_gemini(model, texts=None, ids=None, dimensions=None, task=None, title=None):
    if ids:
        return None
    more = {"taskType": task, "title": title, "outputDimensionality": dimensions}
    more = {name: value for name, value in more.items() if value}
    requests = [{"model": f"models/{model}", "content": {"parts": [{"text": text}]}, **more}
                for text in texts]
    return f"/v1beta/models/{model}:batchEmbedContents", {"requests": requests}


def read_gemini(answer):
    return ([each["values"] for each in answer["embeddings"]],
            answer["usageMetadata"]["promptTokenCount"])


def write_ollama(model, texts=None, ids=None, dimensions=None, task=None, title=None):
    if ids or task:
        return None
    body = {"model": model, "input": list(texts), "truncate": False}
    return "/api/embed", {**body, **({"dimensions": dimensions} if dimensions else {})}


def read_ollama(answer):
    return answer["embeddings"], answer["prompt_eval_count"]


CLIENTS = {openai.NAME: (write_openai, read_openai), gemini.NAME: (write_gemini, read_gemini),
           ollama.NAME: (write_ollama, read_ollama)}


# ---- what has to leave


def sent_openai(body):
    inputs = body["input"]
    return {"texts" if isinstance(inputs[0], str) else "ids": inputs,
            "dimensions": body.get("dimensions")}


def sent_gemini(body):
    first = body["requests"][0]
    return {"texts": [each["content"]["parts"][0]["text"] for each in body["requests"]],
            "dimensions": first.get("outputDimensionality"), "task": first.get("taskType"),
            "title": first.get("title")}


def sent_ollama(body):
    if body["truncate"]:
        raise Broken("a cut was allowed that the client has refused")
    return {"texts": body["input"], "dimensions": body.get("dimensions")}


SENT = {"openai": sent_openai, "compatible": sent_openai, "google": sent_gemini,
        "ollama": sent_ollama}


def plain(asked):
    """What both sides of a comparison are made: lists, without what is not given."""
    return {name: json.loads(json.dumps(value)) for name, value in asked.items() if value}


def check(provider, asked, requests, answer):
    if len(requests) != 1 or requests[0]["kind"] != "embed":
        raise Broken(f"requests that left: {requests}")
    left = SENT[provider](requests[0]["body"])
    if plain(left) != plain(asked):
        raise Broken(f"{left} left, expected {asked}")
    n_inputs = len(asked.get("texts") or asked["ids"])
    wanted = [vector(i, asked.get("dimensions")) for i in range(n_inputs)]
    if answer != (wanted, 11):
        raise Broken(f"{answer} came, expected {wanted}")


def check_local(asked, answer):
    vectors, n_tokens = answer
    n_inputs = len(asked.get("texts") or asked["ids"])
    widths = {len(each) for each in vectors}
    if len(vectors) != n_inputs or widths != {asked.get("dimensions", 64)} or n_tokens < 1:
        raise Broken(f"{answer}"[:300])


def try_pair(ports, dialect, provider, asked):
    """As run.try_pair, without streams."""
    if dialect.NAME not in CLIENTS:
        return None
    write, read = CLIENTS[dialect.NAME]
    tag = f"embed{next(_tags)}"
    written = write("null" if provider == "local" else f"{provider}/text.{tag}", **asked)
    if not written:
        return None
    status, _, text = world.ask(ports[0], "POST", written[0], dialect.HEADERS, written[1])
    requests = world.recorded(ports[1], tag)
    try:
        if status != 200:
            failed = dialect.failure(status, json.loads(text))
            if failed.status != 400 or not failed.message or requests:
                raise Broken(f"{len(requests)} requests left")
            return "refused"
        answer = read(json.loads(text))
        if provider == "local":
            check_local(asked, answer)
        else:
            check(provider, asked, requests, answer)
        return "passes"
    except (Broken, KeyError, ValueError, TypeError, IndexError) as wrong:
        return f"not: {wrong!r}: {status} {text[:300]}"


# ---- faults

ODD = ("drip", "whole", "one-packet")
# The others need the shape of an answer to a conversation.
WITHIN = ("half-event", "cut", "reset-middle", "stall-middle", "garbage-middle", "null-middle",
          "number-middle", "error-event", "no-end")
FAULTS = (*ODD, *simulated_faults.BEFORE, *WITHIN)
LONGEST_S = 20


def try_fault(port, dialect, provider, fault):
    """What is wrong with the answer to a provider that does this, or None."""
    write, read = CLIENTS[dialect.NAME]
    path, body = write(f"{provider}/{fault}.ef{next(_tags)}", texts=TEXTS)
    start = time.monotonic()
    status, _, text = world.ask(port, "POST", path, dialect.HEADERS, body)
    seconds = time.monotonic() - start
    if seconds > LONGEST_S:
        return f"took {seconds:.1f} s"
    try:
        if fault in ODD:
            fine = status == 200 and read(json.loads(text))[0] == [vector(0), vector(1)]
            return None if fine else f"no answer: {status} {text[:300]}"
        failed = dialect.failure(status, json.loads(text))
    except (Broken, KeyError, ValueError, TypeError) as error:
        return f"no error of the dialect: {error!r}: {status} {text[:300]}"
    if "sk-simulated" in failed.message or not failed.message:
        return f"message: {failed.message!r}"
    wanted = (502, 503, 504) if fault in WITHIN else (simulated_faults.BEFORE[fault][1],)
    return None if status in wanted else f"status {status}, expected {wanted}: {failed.message}"
