#!/usr/bin/env python3
"""Every dialect with every provider, plain and streamed.

usage: python -m pairs.run BINARY   (in tests/, with the official packages' environment)"""
import concurrent.futures
import dataclasses
import itertools
import json
import sys

from simulator import server as simulated

from . import anthropic, embeddings, gemini, judge, ollama, openai, responses, table, types_of_vendors, world
from .conversation import Broken, CannotSay, Failed

DIALECTS = (openai, responses, anthropic, gemini, ollama)
PROVIDERS = ("openai", "openai-responses", "compatible", "anthropic", "google", "ollama")
N_THREADS = 6
_tags = itertools.count()


def model_of(provider, word, tag):
    """The name of a scene or a fault at a provider; OpenAI has two ways of answering."""
    if provider == "openai-responses":
        return f"openai/{simulated.responses.FAMILY}{word}.{tag}"
    return f"{provider}/{word}.{tag}"


def exchange(port, dialect, model, conversation, stream):
    """The client's Answer; Failed for a proper error, Broken for anything else."""
    if dialect is responses and not conversation.is_typed:
        raise CannotSay("what another API of the vendor would take")
    body = dialect.write(conversation, model, stream)
    if conversation.extra:
        if dialect.VENDOR not in conversation.extra:
            raise CannotSay("what other vendors know")
        body.update(conversation.extra.get(dialect.NAME, conversation.extra[dialect.VENDOR]))
    if dialect is gemini:
        body.pop("model", None)
    path = dialect.path(model, stream)
    status, headers, text = world.ask(port, "POST", path, dialect.HEADERS, body)
    try:
        if status != 200:
            raise dialect.failure(status, json.loads(text))
        answer = dialect.read_stream(text) if stream else dialect.read(text)
        types_of_vendors.check_answer(dialect.NAME, text, stream)
        return answer
    except (KeyError, ValueError, TypeError, IndexError, AttributeError) as error:
        raise Broken(f"{error!r} in status {status}: {text[:500]}") from error


def refusal(failed):
    """A request that is refused before anything left: the field, or the words."""
    if failed.status not in (400, 404) or not failed.message:
        raise Broken(f"status {failed.status}: {failed.message}")
    return "refused"


def try_pair(ports, dialect, provider, conversation, stream):
    """"passes", "left out", "refused", or "not: WHY"; None where the dialect has no words for it."""
    port, simulator_port = ports
    tag = f"{dialect.VENDOR}{next(_tags)}"
    try:
        answer = exchange(port, dialect, model_of(provider, conversation.scene, tag), conversation,
                          stream)
        requests = world.recorded(simulator_port, tag)
        provider = judge.answering(provider, requests)
        judge.check_request(conversation, dialect, provider, requests)
        judge.check_answer(conversation.scene, dialect, provider, answer)
        left_out = judge.leaves_out(conversation, dialect, provider) or \
            judge.drops(conversation.scene, dialect, provider)
        return "left out" if left_out else "passes"
    except CannotSay:
        return None
    except Failed as failed:
        if world.recorded(simulator_port, tag):
            return f"not: {failed.status} after the request had left: {failed.message}"
        try:
            return refusal(failed)
        except Broken as broken:
            return f"not: {broken}"
    except (Broken, judge.Wrong) as wrong:
        return f"not: {wrong}"
    except Exception as error:  # a reader that stumbles has found something
        return f"not: {error!r}"


# Where a dialect asks how long a prompt is, and the member that tells.
COUNTS = {responses.NAME: (lambda model: "/v1/responses/input_tokens", "input_tokens"),
          anthropic.NAME: (lambda model: "/v1/messages/count_tokens", "input_tokens"),
          gemini.NAME: (lambda model: f"/v1beta/models/{model}:countTokens", "totalTokens")}
COUNT = "counting a prompt's tokens"


def try_count(ports, dialect, provider):
    """As try_pair, of the endpoint that counts."""
    if dialect.NAME not in COUNTS:
        return None
    path, member = COUNTS[dialect.NAME]
    tag = f"count{next(_tags)}"
    model = "null" if provider == "local" else model_of(provider, "text", tag)
    body = dialect.write(table.REQUESTS["one turn"], model, False)
    for name in ("model",) if dialect is gemini else ("max_tokens",):
        body.pop(name, None)
    status, _, text = world.ask(ports[0], "POST", path(model), dialect.HEADERS, body)
    sent = world.recorded(ports[1], tag)
    try:
        if status != 200:
            refusal(dialect.failure(status, json.loads(text)))
            return f"not: {len(sent)} requests left" if sent else "refused"
        if provider == "local":
            return "passes" if json.loads(text)[member] > 0 else f"not: {text}"
        judge.check_count(provider, sent)
        counted = {name: value for name, value in json.loads(text).items() if name != "object"}
        return "passes" if counted == {member: 17} else f"not: {text}"
    except (Broken, judge.Wrong, KeyError, ValueError) as wrong:
        return f"not: {wrong!r}: {status} {text[:300]}"


# The local model that is held to a form; `null` writes fixed tokens.
FORMED = "smollm2"


def try_local(port, dialect, conversation, stream):
    has_form = not conversation.options.keys().isdisjoint(("json", "schema"))
    if has_form:
        options = {**conversation.options, "max_tokens": 24}
        conversation = dataclasses.replace(conversation, options=options)
    try:
        answer = exchange(port, dialect, FORMED if has_form else "null", conversation, stream)
        if has_form and not answer.text.startswith("{"):
            raise Broken(f"no JSON: {answer.text!r}")
        return "left out" if judge.leaves_out(conversation, dialect, "local") else "passes"
    except CannotSay:
        return None
    except Failed as failed:
        return refusal(failed)
    except Broken as broken:
        return f"not: {broken}"


def run_pairs(port, simulator_port, conversations, with_local):
    """{(dialect, conversation's name, provider or "local", streamed): result}"""
    jobs = {}
    with concurrent.futures.ThreadPoolExecutor(N_THREADS) as pool:
        for dialect, (name, conversation), stream in itertools.product(
                DIALECTS, conversations.items(), (False, True)):
            for provider in PROVIDERS:
                jobs[dialect.NAME, name, provider, stream] = pool.submit(
                    try_pair, (port, simulator_port), dialect, provider, conversation, stream)
            if with_local:
                jobs[dialect.NAME, name, "local", stream] = pool.submit(
                    try_local, port, dialect, conversation, stream)
        for dialect, provider in itertools.product(DIALECTS, (*PROVIDERS, "local")):
            for stream in (False, True) if with_local else ():
                jobs[dialect.NAME, COUNT, provider, stream] = pool.submit(
                    try_count, (port, simulator_port), dialect, provider)
                for name, asked in embeddings.ASKED.items():
                    if provider == "openai-responses":
                        jobs[dialect.NAME, name, provider, stream] = pool.submit(lambda: None)
                        continue
                    jobs[dialect.NAME, name, provider, stream] = pool.submit(
                        embeddings.try_pair, (port, simulator_port), dialect, provider, asked)
        return {key: job.result() for key, job in jobs.items()}


def joined(results):
    """Plain and streamed as one: {(dialect, name, provider): result}."""
    out = {}
    for (dialect, name, provider, stream), result in results.items():
        if stream:
            continue
        other = results[dialect, name, provider, True]
        if result == other and result in ("passes", "left out") and \
                provider in table.NOT_GIVEN.get(name, ()):
            out[dialect, name, provider] = None
        elif result == other:
            out[dialect, name, provider] = result
        else:
            wrong = [each for each in (result, other) if str(each).startswith("not: ")]
            out[dialect, name, provider] = wrong[0] if wrong else \
                f"not: {result} plain, {other} streamed"
    return out


def run(binary):
    """(results of requests, results of answers)"""
    with world.simulator() as url:
        with world.overtake(binary, simulated.environment(url), ("null", FORMED)) as port:
            simulator_port = int(url.rsplit(":", 1)[1])
            requests = joined(run_pairs(port, simulator_port, table.REQUESTS, True))
            answers = joined(run_pairs(port, simulator_port, table.ANSWERS, False))
    return requests, answers


def tell_wrong(results):
    """Prints what does not pass, and how many that are."""
    wrong = 0
    for part in results:
        for (dialect, name, provider), result in part.items():
            if result and result.startswith("not: "):
                wrong += 1
                print(f"{dialect} | {provider} | {name}\n    {result}")
    print(f"{sum(len(part) for part in results)} pairs, {wrong} wrong")
    return wrong


def main():
    return 1 if tell_wrong(run(sys.argv[1])) else 0


if __name__ == "__main__":
    sys.exit(main())
