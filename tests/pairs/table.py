"""The conversations: what each proves is its name in docs/compatibility.md."""
from .conversation import Conversation, Tool

PNG = ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJ"
       "RU5ErkJggg==")
PDF = "JVBERi0xLjQKJSVFT0YK"
SIGNATURE = "c2lnbmF0dXJlIG9mIGl0cyB2ZW5kb3I="
THOUGHT = "It may rain there."
UNICODE = "naïve 漢字 🙂 👩\u200d👩\u200d👧 \u2028 \"q\" \\ \t\n end"
SCHEMA = {"type": "object", "properties": {"answer": {"type": "integer", "description": "It."}},
          "required": ["answer"], "additionalProperties": False}
TOOLS = (
    Tool("get_weather", "Tells the weather.",
         {"type": "object", "properties": {"city": {"type": "string", "enum": ["Paris", "Rome"]}},
          "required": ["city"]}),
    Tool("get_time", "Tells the time.",
         {"type": "object", "properties": {"zone": {"type": "string"}}}),
    Tool("now", "Tells the date.", {"type": "object", "properties": {}}),
)


def text(role, *texts):
    return (role, tuple(("text", each) for each in texts))


HI = (text("user", "What is the weather in Paris?"),)


def tools(messages=HI, scene="text", **options):
    return Conversation(messages, {"tools": TOOLS, **options}, scene)


def asked(scene="text", **options):
    return Conversation(HI, options, scene)


def called(ids, *between, failed=False):
    """A turn with two calls and their results."""
    first, second = ("c1", "c2") if ids else ("", "")
    said = [("call", first, "get_weather", {"city": "Paris"}),
            ("call", second, "get_time", {"zone": "Europe/Paris"})]
    if between:
        said = [("text", between[0]), said[0], ("text", between[1]), said[1]]
    return HI + (("assistant", tuple(said)),
                 ("tool", (("result", first, "get_weather", "22 °C", failed),
                           ("result", second, "get_time", "12:00", False))),)


def thought(*more):
    return HI + (("assistant", (("thought", THOUGHT, SIGNATURE), *more)),)


RESULT = (("tool", (("result", "c1", "get_weather", "22 °C", False),)),)
TURNS = HI + (text("assistant", "It rains."), text("user", "And in Rome?"))

REQUESTS = {
    "one turn": asked(),
    "several turns": Conversation(TURNS),
    "instructions": Conversation((text("system", "Be brief."),) + HI),
    "several instructions": Conversation((text("system", "Be brief."), text("system", "Be kind."))
                                         + TURNS),
    "instructions later": Conversation(HI + (text("assistant", "It rains."),
                                             text("system", "Be kind."), text("user", "Rome?"))),
    "several texts in a message": Conversation((text("user", "One, ", "two, ", "three."),)),
    "any character": Conversation((text("user", UNICODE),), scene="unicode"),
    "images by bytes": Conversation((("user", (("text", "What is this?"),
                                               ("image", "image/png", PNG))),)),
    "images by URL": Conversation((("user", (("text", "What is this?"),
                                             ("image_url", "https://example.com/cat.png"))),)),
    "documents by bytes": Conversation((("user", (("file", "a.pdf", "application/pdf", PDF),
                                                  ("text", "Sum it up."))),)),
    "documents by URL": Conversation((("user", (("file_url", "https://example.com/a.pdf"),
                                                ("text", "Sum it up."))),)),
    "tools": tools(scene="tool"),
    "tool results": tools(called(True)),
    "tool results without ids": tools(called(False)),
    "tool results between texts": tools(called(True, "Let me look. ", "And the time. ")
                                        + (text("user", "Go on."),)),
    "failed tool results": tools(called(True, failed=True)),
    "tool choice: auto": tools(choice="auto"),
    "tool choice: none": tools(choice="none"),
    "tool choice: any": tools(scene="tool", choice="required"),
    "tool choice: one by name": tools(scene="tool", choice="get_weather"),
    "one tool call at a time": tools(scene="tool", parallel=False),
    "JSON": asked("json", json=True),
    "JSON by a schema": asked("json", schema=SCHEMA),
    "reasoning effort": asked("reasoning", effort="low"),
    "reasoning budget": asked("reasoning", budget=2048),
    "reasoning of earlier turns": Conversation(thought(("text", "It rains."))
                                               + (text("user", "Sure?"),)),
    "reasoning before tool calls": tools(thought(("call", "c1", "get_weather", {"city": "Paris"}))
                                         + RESULT),
    "temperature, top_p": asked(temperature=0.5, top_p=0.25),
    "temperature above 1": asked(temperature=1.5),
    "top_k": asked(top_k=40),
    "seed": asked(seed=7),
    "penalties": asked(presence=0.5, frequency=-0.5),
    "log probabilities": asked(logprobs=2),
    "stop strings": asked("stop-sequence", stop=["three", "END"]),
    "a bound on the answer": asked("length", max_tokens=16),
    "the end user": asked(user="u-1"),
    "tools that its vendor runs": Conversation(HI, scene="searched", extra={
        "openai": {"web_search_options": {"search_context_size": "low"}},
        "OpenAI responses": {"tools": [{"type": "web_search"}]},
        "anthropic": {"tools": [{"type": "web_search_20250305", "name": "web_search",
                                 "max_uses": 3}]},
        "google": {"tools": [{"googleSearch": {}}]}}),
    "what these did in earlier turns": Conversation(HI + (("assistant", (
        ("text", "Let me look."), ("ran", "weather in Paris"), ("gave", "22 degrees"),
        ("text", " It is warm."))), text("user", "And in Rome?"))),
    "members only its vendor knows": Conversation(HI, extra={
        "openai": {"service_tier": "flex"}, "anthropic": {"inference_geo": "us"},
        "google": {"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT",
                                       "threshold": "BLOCK_NONE"}]},
        "ollama": {"keep_alive": "5m"}}),
    "members nobody knows yet": Conversation(HI, extra={
        name: {"zz_unknown": {"a": [1]}} for name in ("openai", "anthropic", "google", "ollama")},
        is_typed=False),
}
ANSWERS = {
    "text": asked("text"),
    "any character, cut anywhere": asked("unicode"),
    "any character, escaped": asked("escaped"),
    "a long text": asked("long", max_tokens=4000),
    "no text at all": asked("empty"),
    "a tool call": tools(scene="tool"),
    "a tool call without arguments": tools(scene="tool-bare"),
    "several tool calls": tools(scene="tools"),
    "tool calls between texts": tools(scene="between"),
    "reasoning": asked("reasoning"),
    "reasoning, then a tool call": tools(scene="reasoning-tool"),
    "encrypted reasoning": asked("redacted"),
    "what the text rests on": asked("cited"),
    "what its vendor's tools did": asked("searched"),
    "a refusal": asked("refusal"),
    "a filtered text": asked("filter"),
    "a text cut by its bound": asked("length", max_tokens=16),
    "tool calls side by side": tools(scene="mixed"),
    "a tool call cut by the bound": tools(scene="length-tool", max_tokens=16),
    "a text ended by a stop string": asked("stop-sequence", stop=["three"]),
    "cached tokens": asked("usage-cached"),
    "tokens written to a cache": asked("usage-written"),
}
# What some providers never answer: there the others' shapes are played all the same.
NOT_GIVEN = {
    "reasoning": {"openai"},
    "reasoning, then a tool call": {"openai"},
    "tool calls side by side": {"anthropic", "google", "ollama"},
    "a tool call cut by the bound": {"google", "ollama"},
    "encrypted reasoning": {"openai", "compatible", "google", "ollama"},
    "what the text rests on": {"compatible", "ollama"},
    "what its vendor's tools did": {"openai", "compatible", "ollama"},
    "a refusal": {"ollama"},
    "a filtered text": {"ollama"},
    "cached tokens": {"ollama"},
    "tokens written to a cache": {"compatible", "google", "ollama"},
}
