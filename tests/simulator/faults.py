"""What servers do to their clients: each fault is a function of an exchange (see server.py), chosen
by the model's name as scenes are."""
import json

LATER = 3600  # s


def refuse(status, headers=None):
    return lambda x: x.answer(status, json.dumps(x.vendor.error(status, f"simulated {status}")),
                              headers)


def once(first):
    """The fault, then a proper answer."""
    return lambda x: first(x) if x.attempt == 1 else x.proper()


def page(status):
    return lambda x: x.answer(status, "<!doctype html><title>Bad gateway</title>",
                              {"Content-Type": "text/html"})


def body(text):
    return lambda x: x.answer(200, text, {"Content-Type": x.answer_type})


def reset(x):
    x.reset()


def redirect(x):
    x.answer(307, "", {"Location": f"http://127.0.0.1:{x.port}/stolen"})


def not_http(x):
    x.send(b"garbage without a status\r\n\r\n")
    x.close()


def stall(x):
    x.wait()


def stall_after_head(x):
    x.begin()
    x.wait()


# ---- within a stream: after its first half


def half(x):
    """The events before and after the middle; the first half has some of the text."""
    events = list(x.events())
    return events[:len(events) // 2], events[len(events) // 2:]


def after_half(what):
    def fault(x):
        x.begin()
        for event in half(x)[0]:
            x.chunk(event)
        what(x)
    return fault


def half_event(x):
    rest = half(x)[1][0]
    x.chunk(rest[:len(rest) // 2])
    x.end()


def close(x):
    x.close()


def reset_later(x):
    x.sleep(0.03)
    x.reset()


def then(text):
    """These bytes, and the rest as if nothing were."""
    def fault(x):
        x.chunk(text if isinstance(text, (str, bytes)) else text(x))
        for event in half(x)[1]:
            x.chunk(event)
        x.end()
    return fault


def wrapped(data):
    """Data as an event, or as a line."""
    return lambda x: data + "\n" if "ndjson" in x.vendor.STREAM_TYPE else f"data: {data}\n\n"


def error_event(x):
    x.chunk(x.vendor.error_event("simulated overload"))
    x.end()


def bad_utf8(x):
    event = half(x)[1][0].encode()
    return event.replace(b"text", b"te\xff\xfet").replace(b"content", b"con\xfftent")


def without(is_left_out):
    def fault(x):
        x.begin()
        events = list(x.events())
        for at, event in enumerate(events):
            if not is_left_out(event, at == len(events) - 1):
                x.chunk(event)
        x.end()
    return fault


def no_finish(x):
    if x.streams:
        return without(lambda event, is_last: any(each in event for each in ENDINGS))(x)
    return x.answer(200, json.dumps(unfinished(x.vendor.whole(x.scene, x.body))))


def unfinished(answer):
    """The answer without what says that it has ended."""
    if isinstance(answer, list):
        return [unfinished(each) for each in answer]
    if not isinstance(answer, dict):
        return answer
    return {key: unfinished(value) for key, value in answer.items() if key not in REASONS}


REASONS = ("finish_reason", "stop_reason", "finishReason", "done", "done_reason", "status")
ENDINGS = ('"finish_reason": "', '"message_delta"', '"finishReason"', '"done": true',
           '"response.completed"')


# ---- what is odd and no fault


def usage(counts):
    def fault(x):
        x.begin()
        for event in x.events(lambda chunk: x.vendor.with_usage(chunk, counts)):
            x.chunk(event)
        x.end()
    return fault


def rewritten(change):
    def fault(x):
        x.begin()
        for event in x.events():
            x.chunk(change(event))
        x.end()
    return fault


def other_line_ends(event):
    return event.replace("\r\n", "\n").replace("\n", "\r\n")


def without_space(event):
    return event.replace("event: ", "event:").replace("data: ", "data:")


def drip(x):
    x.begin()
    for at, byte in enumerate("".join(x.events()).encode()):
        x.chunk(bytes([byte]))
        if at % 100 == 0:
            x.sleep(0.02)
    x.end()


def whole(x):
    x.answer(200, json.dumps(x.document or x.vendor.whole(x.scene, x.body)))


def open_end(x):
    """The answer is whole, the connection stays."""
    if x.streams:
        x.begin()
        for event in x.events():
            x.chunk(event)
    else:
        whole(x)
    x.wait()


def one_packet(x):
    x.begin()
    x.chunk("".join(x.events()))
    x.end()


ONCE = {
    "429-once": once(refuse(429, {"Retry-After": "1"})),
    "503-once": once(refuse(503)),
    "reset-once": once(reset),
}
ODD = {
    "usage-negative": usage(-7),
    "usage-huge": usage(10**18),
    "usage-enormous": usage(10**40),
    "usage-fraction": usage(2.5),
    "usage-text": usage("many"),
    "usage-missing": usage(None),
    "line-ends": rewritten(other_line_ends),
    "no-space": rewritten(without_space),
    "drip": drip,
    "whole": whole,
    "open-end": open_end,
    "one-packet": one_packet,
}
# What a client of Overtake gets: the status.
BEFORE = {
    "400": (refuse(400), 400),
    "401": (refuse(401), 502),
    "404": (refuse(404), 404),
    "422": (refuse(422), 422),
    "429": (refuse(429), 429),
    "429-later": (refuse(429, {"Retry-After": str(LATER)}), 429),
    "500": (refuse(500), 502),
    "503": (refuse(503), 503),
    "529": (refuse(529), 503),
    "html": (page(200), 502),
    "html-502": (page(502), 502),
    "no-body": (body(""), 502),
    "null": (body("null"), 502),
    "list": (body("[]"), 502),
    "object": (body("{}"), 502),
    "bytes": (body(bytes(range(256)) * 8), 502),
    "redirect": (redirect, 502),
    "reset": (reset, 502),
    "not-http": (not_http, 502),
    "stall": (stall, 504),
    "stall-after-head": (stall_after_head, 504),
}
WITHIN = {
    "half-event": after_half(half_event),
    "cut": after_half(close),
    "reset-middle": after_half(reset_later),
    "stall-middle": after_half(stall),
    "garbage-middle": after_half(then(wrapped("{oops"))),
    "null-middle": after_half(then(wrapped("null"))),
    "number-middle": after_half(then(wrapped("[[[[5"))),
    "bad-utf8": after_half(then(bad_utf8)),
    "error-event": after_half(error_event),
    "no-end": without(lambda event, is_last: is_last),
    "no-finish": no_finish,
}
ALL = {**ONCE, **ODD, **{name: fault for name, (fault, _) in BEFORE.items()}, **WITHIN}
