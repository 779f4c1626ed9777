#!/usr/bin/env python3
"""Every fault at every provider, plain and streamed, through every dialect.

usage: python -m pairs.faults BINARY   (in tests/)
Whatever a provider does, the client gets an error in its dialect within bounds, never a short
success; then the server still answers, and nothing of the fault is left open."""
import concurrent.futures
import itertools
import sys
import time

from simulator import faults as simulated_faults
from simulator import server as simulated
from simulator.scenes import SCENES

from . import embeddings, table, world
from . import run as pairs
from .conversation import Broken, Failed

SILENCE_S = 1
# Three attempts that hear nothing, the waits between them, and a busy machine.
LONGEST_S = 20
N_THREADS = 24
TEXT = SCENES["text"].text
_tags = itertools.count()


def ask(port, dialect, provider, fault, stream):
    """(Answer or Failed or Broken, seconds)"""
    conversation = table.REQUESTS["one turn"]
    start = time.monotonic()
    try:
        model = pairs.model_of(provider, fault, f"f{next(_tags)}")
        found = pairs.exchange(port, dialect, model, conversation, stream)
    except (Failed, Broken) as error:
        found = error
    return found, time.monotonic() - start


def judge_error(found, dialect, fault, stream):
    """What is wrong with the answer to a fault, or None."""
    if not isinstance(found, Failed):
        return f"no error of the dialect: {found!r}"
    if "sk-simulated" in found.message:
        return f"the key is told: {found.message}"
    if fault in simulated_faults.WITHIN:
        # Plain, the status tells; streamed, 200 has gone out if anything has.
        fine = found.status in (502, 503, 504) or (stream and found.status == 200)
        return None if fine else f"status {found.status}: {found.message}"
    wanted = simulated_faults.BEFORE[fault][1]
    return None if found.status == wanted else \
        f"status {found.status}, expected {wanted}: {found.message}"


def judge_success(found, dialect, fault):
    if isinstance(found, (Failed, Broken)):
        return f"no answer: {found!r}"
    if found.text != TEXT or found.stop != dialect.STOP["stop"]:
        return f"another answer: {found!r}"
    if any(not isinstance(n, int) or not 0 <= n <= 2**50 for n in found.usage.values()):
        return f"usage {found.usage}"
    return None


def one(port, dialect, provider, fault, stream):
    found, seconds = ask(port, dialect, provider, fault, stream)
    if seconds > LONGEST_S:
        return f"took {seconds:.1f} s"
    if fault in simulated_faults.ODD or fault in simulated_faults.ONCE:
        return judge_success(found, dialect, fault)
    return judge_error(found, dialect, fault, stream)


def applies(fault, dialect, provider):
    if fault in simulated_faults.ONCE:
        # Retries are within a budget, of ten for each upstream at the start: these use eight, and
        # of OpenAI's ten.
        if provider == "openai-responses":
            return dialect is pairs.openai and fault == "reset-once"
        return dialect is pairs.openai or (dialect is pairs.anthropic and fault == "429-once")
    return True


def run_all(port, names):
    """{(fault, provider, dialect, streamed): what is wrong}"""
    jobs = {}
    with concurrent.futures.ThreadPoolExecutor(N_THREADS) as pool:
        for fault, provider, dialect, stream in itertools.product(
                names, pairs.PROVIDERS, pairs.DIALECTS, (False, True)):
            if applies(fault, dialect, provider):
                jobs[fault, provider, dialect.NAME, stream] = pool.submit(
                    one, port, dialect, provider, fault, stream)
        for fault, provider, dialect in itertools.product(
                names, embeddings.SENT, pairs.DIALECTS):
            if fault in embeddings.FAULTS and dialect.NAME in embeddings.CLIENTS:
                jobs[fault, provider, dialect.NAME + ", embeddings", False] = pool.submit(
                    embeddings.try_fault, port, dialect, provider, fault)
        return {key: job.result() for key, job in jobs.items()}


def after(port, simulator_port):
    """What the faults have left behind."""
    wrong = {}
    for provider, dialect in itertools.product(pairs.PROVIDERS, pairs.DIALECTS):
        found, _ = ask(port, dialect, provider, "text", True)
        wrong["afterwards", provider, dialect.NAME, True] = judge_success(found, dialect, "text")
    deadline = time.monotonic() + 5
    while world.recorded(simulator_port, "")["open"] and time.monotonic() < deadline:
        time.sleep(0.05)
    state = world.recorded(simulator_port, "")
    wrong["left open", "", "", True] = f"{state['open']} answers" if state["open"] else None
    wrong["redirect followed", "", "", True] = "yes" if state["stolen"] else None
    return wrong


def run(binary):
    results = {}
    with world.simulator() as url:
        variables = {**simulated.environment(url), "OVERTAKE_UPSTREAM_SILENCE_S": str(SILENCE_S)}
        with world.overtake(binary, variables) as port:
            for names in (simulated_faults.ONCE, simulated_faults.ODD,
                          {**simulated_faults.BEFORE, **simulated_faults.WITHIN}):
                results |= run_all(port, names)
            results |= after(port, int(url.rsplit(":", 1)[1]))
    return results


def tell_wrong(results):
    wrong = {key: what for key, what in results.items() if what}
    for (fault, provider, dialect, stream), what in wrong.items():
        print(f"{fault} | {provider} | {dialect} | {'streamed' if stream else 'plain'}\n    {what}")
    print(f"{len(results)} faults, {len(wrong)} wrong")
    return len(wrong)


if __name__ == "__main__":
    sys.exit(1 if tell_wrong(run(sys.argv[1])) else 0)
