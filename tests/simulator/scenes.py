"""What the simulated models say, chosen by the model's name; the vendors' files give it their
shapes."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Text:
    pieces: tuple

    @property
    def text(self):
        return "".join(self.pieces)


@dataclasses.dataclass(frozen=True)
class Source:
    url: str
    title: str
    quote: str


@dataclasses.dataclass(frozen=True)
class Cited(Text):
    """Text that rests on sources."""
    sources: tuple = ()


@dataclasses.dataclass(frozen=True)
class Ran:
    """What a tool of the vendor's own was asked, and what it gave: a search, or code."""
    asked: str
    gave: str


@dataclasses.dataclass(frozen=True)
class Thought(Text):
    signature: str = ""  # which only some vendors give
    encrypted: str = ""  # Anthropic's redacted thinking, instead of text


@dataclasses.dataclass(frozen=True)
class Refusal(Text):
    """Text where the vendor has a place of its own for it."""


@dataclasses.dataclass(frozen=True)
class Call:
    name: str
    arguments: dict


@dataclasses.dataclass(frozen=True)
class Usage:
    """`prompt` holds `cached` and `written`, `completion` holds `thought`."""
    prompt: int = 11
    completion: int = 5
    cached: int = 0
    written: int = 0
    thought: int = 0


@dataclasses.dataclass(frozen=True)
class Scene:
    said: tuple
    stop: str = "stop"  # stop, stop_sequence, length, tool_calls, filter, refusal
    usage: Usage = Usage()
    drip: bool = False  # byte by byte
    escaped: bool = False  # characters beyond ASCII as \\u escapes
    stop_sequence: str = ""
    cut: bool = False  # its last call lacks the end of its arguments, where the vendor writes texts
    mixed: bool = False  # its calls come side by side, where the vendor can

    def only(self, kind):
        return [each for each in self.said if type(each) is kind]

    @property
    def text(self):
        return "".join(each.text for each in self.said if type(each) in (Text, Cited))

    @property
    def citations(self):
        """(source, the text before, the text that rests on it)"""
        before = ""
        for each in self.said:
            if type(each) is Cited:
                yield from ((source, before, each.text) for source in each.sources)
            if type(each) in (Text, Cited):
                before += each.text


PARIS = Call("get_weather", {"city": "Paris"})
DEEP = Call("get_time", {"zone": "Europe/Paris", "deep": {"a": [1, 2.5, None, True, "é\"\\\n"],
                                                         "empty": {}}})
# Two to four bytes a character, joined emoji, a line separator, all that JSON escapes.
UNICODE = Text(("naïve — ", "漢字", " 🙂", "👩\u200d👩\u200d👧", " \u2028 \"q\" \\ \t\n", "end\u00a0"))
THOUGHT = Thought(("Let me ", "think."), signature="c2lnbmF0dXJlIG9mIGl0cyB2ZW5kb3I=")

RAIN = Source("https://example.com/rain", "Rain — today", "Rain all day in Paris")
SNOW = Source("https://example.org/snow?a=1", "Snow", "Snow in the north")

SCENES = {
    "text": Scene((Text(("Hel", "lo, ", "world.")),)),
    "unicode": Scene((UNICODE,), drip=True),
    "escaped": Scene((UNICODE,), drip=True, escaped=True),
    "long": Scene((Text(tuple(f"word{i} " for i in range(2000))),), usage=Usage(11, 2000)),
    "empty": Scene((), usage=Usage(11, 0)),
    "tool": Scene((PARIS,), "tool_calls"),
    "tool-bare": Scene((Call("now", {}),), "tool_calls"),
    "tools": Scene((Text(("Let me look.",)), PARIS, DEEP), "tool_calls"),
    "between": Scene((Text(("First",)), PARIS, Text((" second",)), DEEP), "tool_calls"),
    "reasoning": Scene((THOUGHT, Text(("The answer", " is 42."))),
                       usage=Usage(11, 30, thought=20)),
    "reasoning-tool": Scene((THOUGHT, PARIS), "tool_calls", usage=Usage(11, 30, thought=20)),
    "redacted": Scene((Thought((), encrypted="ZW5jcnlwdGVk"), Text(("Done.",)))),
    "refusal": Scene((Refusal(("I can't ", "help with that.")),), "refusal"),
    "filter": Scene((Text(("Once upon",)),), "filter"),
    "length": Scene((Text(("Once upon a",)),), "length", usage=Usage(11, 16)),
    "length-tool": Scene((Text(("I look.",)), PARIS, DEEP), "length", Usage(11, 16), cut=True),
    "mixed": Scene((PARIS, DEEP), "tool_calls", mixed=True),
    "stop-sequence": Scene((Text(("One, two, ",)),), "stop_sequence", stop_sequence="three"),
    "cited": Scene((Text(("Météo 🌧: ",)), Cited(("it rains", " in Paris",), (RAIN, SNOW)),
                    Text((". And ",)), Cited(("it snows in Åre",), (SNOW,)), Text((".",)))),
    "searched": Scene((Text(("Let me look.",)), Ran("weather in Paris", "22 degrees"),
                       Text((" It is ", "warm.",)))),
    "json": Scene((Text(("{\"answer\":", " 42}")),)),
    "usage-cached": Scene((Text(("Hello.",)),), usage=Usage(100, 7, cached=60, written=0)),
    "usage-written": Scene((Text(("Hello.",)),), usage=Usage(100, 7, cached=60, written=10)),
}


def vector(index, dimensions=None):
    """The embedding of a request's input; each number is a float of 32 bits."""
    return [0.5, float(index), -0.25, 1.0][:dimensions]
