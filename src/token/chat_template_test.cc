// What a template may not do: lend its trust to a user's bytes, run for ever, eat the machine.
#include "token/chat_template.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace overtake {
namespace {

TemplateLimits patient() {
  TemplateLimits limits;
  limits.max_cpu_ms = 60'000;
  return limits;
}

Result<MarkedText> render(const std::string& source, const Json& extra, TemplateLimits limits) {
  auto parsed = ChatTemplate::parse(source, limits);
  if (!parsed.ok()) return parsed.error();
  TemplateInput input;
  input.extra = &extra;
  input.bos_token = "<s>";
  input.eos_token = "</s>";
  input.now_s = 1'721'997'296;
  return parsed->render(input);
}

Result<MarkedText> render(const std::string& source, const Json& extra = Json::object()) {
  return render(source, extra, patient());
}

// "text" and below each byte T if trusted, else u.
std::string marks(const MarkedText& out) {
  std::string marks;
  for (const bool trusted : out.trusted) marks += trusted ? 'T' : 'u';
  return marks;
}

struct TrustCase {
  const char* source;
  const char* text;
  const char* marks;
};

TEST(ChatTemplate, KeepsTrustByteByByte) {
  const Json extra = {{"u", "ab"},   {"l", {"x", "y"}}, {"n", 12},        {"d", {{"k", "v"}}},
                      {"q", "a\"b"}, {"sp", " p "},     {"lines", "a\nb"}};
  const TrustCase cases[] = {
      {"t{{ u }}t", "tabt", "TuuT"},
      {"{{ 't' + u + 't' }}", "tabt", "TuuT"},
      {"{{ 't' ~ u ~ n }}", "tab12", "Tuuuu"},
      {"{{ bos_token ~ u ~ eos_token }}", "<s>ab</s>", "TTTuuTTTT"},
      {"{{ ('t' + u + 't')[1:3] }}", "ab", "uu"},
      {"{{ ('t' + u + 't')[::-1] }}", "tbat", "TuuT"},
      {"{{ ('t' + u) | upper }}", "TAB", "Tuu"},
      {"{{ ('t' + u) | title }}", "Tab", "Tuu"},
      {"{{ ('t' + u) | replace('a', 'xx') }}", "txxb", "TTTu"},
      {"{{ 'tat' | replace('a', u) }}", "tabt", "TuuT"},
      {"{{ ('t' + u).replace('b', '') }}", "ta", "Tu"},
      {"{{ l | join('-') }}", "x-y", "uTu"},
      {"{{ ['s', 't'] | join(u) }}", "sabt", "TuuT"},
      {"{{ u.join(['s', 't']) }}", "sabt", "TuuT"},
      {"{{ sp | trim ~ 't' }}", "pt", "uT"},
      {"{{ ('t,' + u).split(',')[0] }}", "t", "T"},
      {"{{ ('t,' + u).split(',')[1] }}", "ab", "uu"},
      {"{{ u * 2 ~ 't' * 2 }}", "ababtt", "uuuuTT"},
      {"{{ n }}{{ n + 1 }}{{ 1 + 1 }}", "12132", "uuuuT"},
      {"{{ n | string ~ 5 }}", "125", "uuT"},
      {"{{ u | tojson }}", "\"ab\"", "uuuu"},
      {"{{ 's' | tojson }}", "\"s\"", "TTT"},
      {"{{ q | tojson }}", "\"a\\\"b\"", "uuuuuu"},
      {"{{ {'k': u} | tojson }}", "{\"k\": \"ab\"}", "TTTTTTuuuuT"},
      {"{{ d | tojson }}", "{\"k\": \"v\"}", "uuuuuuuuuu"},
      {"{{ d }}", "{'k': 'v'}", "uuuuuuuuuu"},
      {"{{ [u, 's'] }}", "['ab', 's']", "TuuuuTTTTTT"},
      {"{{ l }}", "['x', 'y']", "uuuuuuuuuu"},
      {"{{ l | list }}", "['x', 'y']", "uuuuuuuuuu"},
      {"{{ u | list }}", "['a', 'b']", "uuuuuuuuuu"},
      {"{{ 't%st' | format(u) }}", "tabt", "TuuT"},
      {"{{ 't%st' % u }}", "tabt", "TuuT"},
      {"{{ 't{}t'.format(u) }}", "tabt", "TuuT"},
      {"{{ u | default('s') }}", "ab", "uu"},
      {"{{ zz | default('s') }}", "s", "T"},
      {"{{ u and 's' }}", "s", "T"},
      {"{{ 's' if u else u }}", "s", "T"},
      {"{{ {'ab': 's'}[u] }}", "s", "T"},
      {"{{ d.k ~ d['k'] ~ d.get('k') }}", "vvv", "uuu"},
      {"{% for k, v in d.items() %}{{ k }}={{ v }}{% endfor %}", "k=v", "uTu"},
      {"{% for c in u %}{{ c }}t{% endfor %}", "atbt", "uTuT"},
      {"{% set x %}t{{ u }}{% endset %}{{ x }}", "tab", "Tuu"},
      {"{% set x | upper %}t{{ u }}{% endset %}{{ x }}", "TAB", "Tuu"},
      {"{% filter upper %}t{{ u }}{% endfilter %}", "TAB", "Tuu"},
      {"{% macro m(x) %}t{{ x }}{% endmacro %}{{ m(u) }}{{ m('s') }}", "tabts", "TuuTT"},
      {"{% macro m() %}({{ caller() }}){% endmacro %}{% call m() %}{{ u }}{% endcall %}", "(ab)",
       "TuuT"},
      {"{% set ns = namespace(x='t') %}{% set ns.x = ns.x + u %}{{ ns.x }}", "tab", "Tuu"},
      {"{{ l | map('upper') | join }}", "XY", "uu"},
      {"{{ lines | indent(1) }}", "a\n b", "uTTu"},
      {"{{ u | center(4) }}", " ab ", "TuuT"},
      {"{{ '<' | e ~ u }}", "&lt;ab", "TTTTuu"},
      {"{{ ('t' + u) | truncate(2, true, '') }}", "tab", "Tuu"},
      {"{{ (u ~ '=1').partition('=')[1] }}", "=", "T"},
      {"{{ strftime_now('%Y') }}", "2024", "TTTT"},
      {"{{ strftime_now('%Y' ~ u) }}", "2024ab", "uuuuuu"},
      {"{% for x in l %}{{ loop.index }}{% endfor %}", "12", "TT"},
      {"{{ u is string }}", "True", "TTTT"},
      {"{% generation %}{{ u }}t{% endgeneration %}", "abt", "uuT"},
  };
  for (const TrustCase& c : cases) {
    const auto out = render(c.source, extra);
    ASSERT_TRUE(out.ok()) << c.source << "\n" << out.error().message;
    EXPECT_EQ(out->text, c.text) << c.source;
    EXPECT_EQ(marks(*out), c.marks) << c.source;
  }
}

TEST(ChatTemplate, ConcatenationDoesNotWriteIntoOtherStrings) {
  const auto out = render(
      "{% set a = 'x' ~ u %}{% set b = a ~ '1' %}{% set c = a ~ '2' %}{% set d = b ~ '3' %}"
      "{{ a }} {{ b }} {{ c }} {{ d }}",
      Json{{"u", "ab"}});
  ASSERT_TRUE(out.ok()) << out.error().message;
  EXPECT_EQ(out->text, "xab xab1 xab2 xab13");
  EXPECT_EQ(marks(*out), "TuuTTuuTTTuuTTTuuTT");
}

TEST(ChatTemplate, LaterVariablesDoNotReplaceMessages) {
  const Json messages = Json::array({{{"role", "user"}, {"content", "hi"}}});
  const Json extra = {{"messages", Json::array()}, {"color", "red"}};
  auto parsed = ChatTemplate::parse("{{ messages[0].content }} {{ color }} {{ tools is none }}");
  ASSERT_TRUE(parsed.ok());
  TemplateInput input;
  input.messages = &messages;
  input.extra = &extra;
  EXPECT_EQ(parsed->render(input)->text, "hi red True");
}

TEST(ChatTemplate, RaisedTextIsTheErrorAndNamesTheLine) {
  const auto out = render("a\nb\n{{ raise_exception('roles must alternate') }}");
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(out.error().message,
            "roles must alternate; chat template line 3; change the messages to what this model's "
            "template expects");
}

TEST(ChatTemplate, SyntaxErrorsNameTheLine) {
  const auto damaged = ChatTemplate::parse("a\n{% if x %}\nb");
  ASSERT_FALSE(damaged.ok());
  EXPECT_EQ(damaged.error().code, ErrorCode::kDamaged);
  EXPECT_NE(damaged.error().message.find("line 3"), std::string::npos) << damaged.error().message;
  const auto unsupported = ChatTemplate::parse("\n{% include 'x' %}");
  ASSERT_FALSE(unsupported.ok());
  EXPECT_EQ(unsupported.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(unsupported.error().message.find("line 2"), std::string::npos);
  EXPECT_EQ(ChatTemplate::parse("{{ 99999999999999999999 }}").error().code,
            ErrorCode::kUnsupported);
}

TEST(ChatTemplate, WholeNumbersOverflowLoudly) {
  for (const char* e :
       {"9223372036854775807 + 1", "-9223372036854775807 - 2", "9223372036854775807 * 2", "2 ** 64",
        "-(-9223372036854775807 - 1)", "(-9223372036854775807 - 1) // -1",
        "'9223372036854775808' | int", "1e30 | int"}) {
    const auto out = render(std::string("{{ ") + e + " }}");
    ASSERT_FALSE(out.ok()) << e << " gave " << out->text;
    EXPECT_EQ(out.error().code, ErrorCode::kUnsupported) << e;
  }
  EXPECT_EQ(render("{{ (-9223372036854775807 - 1) % -1 }}")->text, "0");
}

std::string repeated(std::string_view text, int n) {
  std::string out;
  for (int i = 0; i < n; ++i) out += text;
  return out;
}

TEST(ChatTemplate, RefusesDeepSources) {
  const int n = 100'000;
  const std::string sources[] = {
      "{{ " + repeated("(", n),
      "{{ " + repeated("[", n),
      "{{ " + repeated("{1:", n),
      "{{ " + repeated("-", n) + "1 }}",
      "{{ " + repeated("not ", n) + "1 }}",
      "{{ " + repeated("1 if ", n) + "1 }}",
      "{{ 1" + repeated(" if 1 else 1", n) + " }}",
      "{{ a" + repeated(".b", n) + " }}",
      "{{ a" + repeated("[0]", n) + " }}",
      "{{ a" + repeated("()", n) + " }}",
      "{{ a" + repeated("|d", n) + " }}",
      "{{ a" + repeated("(b", n),
      "{{ a" + repeated(" is eq a", 200) + repeated(".b", n) + " }}",
      repeated("{% if 1 %}", n),
      repeated("{% for x in y %}", n),
      repeated("{% filter upper %}", n),
      "{% set " + repeated("(", n),
      "{% for " + repeated("(", n),
  };
  for (const std::string& source : sources) {
    const auto out = ChatTemplate::parse(source, patient());
    ASSERT_FALSE(out.ok()) << source.substr(0, 40);
    const bool refused =
        out.error().code == ErrorCode::kExhausted || out.error().code == ErrorCode::kDamaged;
    EXPECT_TRUE(refused) << source.substr(0, 40);
  }
  EXPECT_FALSE(ChatTemplate::parse(std::string((1 << 20) + 1, 'x')).ok());
}

TEST(ChatTemplate, LongChainsAreNoNesting) {
  const std::string source = "{{ 'a'" + repeated(" + 'b'", 2000) + " ~ 1" + repeated(" ~ 1", 2000) +
                             " }}{{ 1" + repeated(" and 1", 2000) + " }}";
  const auto out = render(source);
  ASSERT_TRUE(out.ok()) << out.error().message;
  EXPECT_EQ(out->text.size(), 2001u + 2001u + 1u);
}

TEST(ChatTemplate, StopsWhateverRunsTooLongOrGrowsTooLarge) {
  const char* sources[] = {
      "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
      "{{ 'a' * 1000000000000 }}",
      "{{ [0] * 1000000000000 }}",
      "{{ 'a' * 1000000 * 1000000 }}",
      "{{ range(1000000000000) | length }}",
      "{% set ns = namespace(x='a') %}{% for i in range(100) %}{% set ns.x = ns.x ~ ns.x %}"
      "{% endfor %}",
      "{% set ns = namespace(x=[1]) %}{% for i in range(100) %}{% set ns.x = ns.x + ns.x %}"
      "{% endfor %}",
      "{% set x = 'a' * 1000000 %}{{ x | replace('a', x) }}",
      "{% set x = 'a' * 1000000 %}{{ x.replace('', x) }}",
      "{% set x = 'a' * 1000000 %}{{ x | list | join(x) }}",
      "{{ ('a\n' * 100000) | indent('x' * 100000) }}",
      "{{ 'a' | center(1000000000000) }}",
      "{{ 'a'.ljust(1000000000000) }}",
      "{{ '7'.zfill(1000000000000) }}",
      "{{ '%1000000000d' % 1 }}",
      "{{ '{:1000000000}'.format(1) }}",
      "{{ [[]] | tojson(indent=100000) }}",
      "{{ [1] | batch(1000000000000, 0) | list | length }}",
      "{{ [1] | slice(1000000000000) | list | length }}",
      "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
      "{% macro m(x) %}{{ m(x ~ x) }}{% endmacro %}{{ m('aaaa') }}",
      "{% for x in [[]] recursive %}{{ loop([[]]) }}{% endfor %}",
      "{% set x = 'a' * 100000 %}{% for i in range(100000) %}{{ x }}{% endfor %}",
      "{% set x = 'a' * 4000000 %}{% for i in range(100000) %}{% if x == x ~ '' %}{% endif %}"
      "{% endfor %}",
      "{% set x = 'a' * 4000000 %}{% for i in range(100000) %}{{ x | upper | length }}{% endfor %}",
      "{% set x = 'a' * 4000000 %}{% for i in range(100000) %}{% if 'b' in x %}{% endif %}"
      "{% endfor %}",
      "{% set x = 'a' * 4000000 %}{% for i in range(100000) %}{% set y = x[-1] %}{% endfor %}",
      "{% set x = 'a' * 4000000 %}{{ x.rsplit('a' * 2000000 ~ 'b') | length }}",
      "{% set ns = namespace() %}{% for i in range(10000) %}{% set ns.x = [ns.x] %}{% endfor %}"
      "{{ ns.x }}",
      "{% set ns = namespace() %}{% for i in range(10000) %}{% set ns.x = [ns.x] %}{% endfor %}"
      "{{ ns.x | tojson }}",
      "{% set a = namespace() %}{% for i in range(10000) %}{% set a.x = [a.x] %}"
      "{% set a.y = [a.y] %}{% endfor %}{{ a.x == a.y }}{{ a.x < a.y }}",
      "{% set a = namespace() %}{% for i in range(10000) %}{% set a.x = (a.x,) %}{% endfor %}"
      "{{ {a.x: 1} }}",
      "{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}",
      "{% set ns = namespace() %}{% set ns.x = [ns, ns, ns] %}{{ ns }}",
  };
  for (const char* source : sources) {
    const auto out = render(source, Json::object(), patient());
    ASSERT_FALSE(out.ok()) << source << " gave " << out->text.size() << " bytes";
    const bool refused = out.error().code == ErrorCode::kExhausted ||
                         out.error().code == ErrorCode::kInvalidArgument;
    EXPECT_TRUE(refused) << source << ": " << out.error().message;
  }
}

TEST(ChatTemplate, DeepValuesLiveAndDieWithoutRecursion) {
  const auto out = render(
      "{% set ns = namespace() %}{% for i in range(50000) %}{% set ns.x = [ns.x] %}{% endfor %}ok");
  ASSERT_TRUE(out.ok()) << out.error().message;
  EXPECT_EQ(out->text, "ok");
}

TEST(ChatTemplate, OutputHasABound) {
  TemplateLimits limits = patient();
  limits.max_output_bytes = 10;
  EXPECT_EQ(render("0123456789", Json::object(), limits)->text, "0123456789");
  const auto out = render("{{ '0123456789' }}x", Json::object(), limits);
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().code, ErrorCode::kExhausted);
  EXPECT_NE(out.error().message.find("10 bytes"), std::string::npos) << out.error().message;
}

int64_t fake_clock_ms = 0;
int64_t tick() { return fake_clock_ms += 10; }

TEST(ChatTemplate, TimeHasABound) {
  TemplateLimits limits;
  limits.cpu_ms = tick;
  const auto out = render("{% for i in range(100000) %}{% endfor %}", Json::object(), limits);
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().code, ErrorCode::kExhausted);
  EXPECT_NE(out.error().message.find("100 ms"), std::string::npos) << out.error().message;
}

TEST(ChatTemplate, DeepInputIsRefused) {
  Json deep = 1;
  for (int i = 0; i < 1000; ++i) deep = Json::array({std::move(deep)});
  const auto out = render("{{ x }}", Json{{"x", std::move(deep)}});
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().code, ErrorCode::kExhausted);
}

TEST(ChatTemplate, NothingReachesTheInterpreter) {
  for (const char* e :
       {"''.__class__.__mro__", "messages.__init__.__globals__", "d.__class__()", "x.__reduce__()",
        "raise_exception.__globals__['os']", "range.__self__.eval('1')", "namespace.__init__()",
        "'{0.__class__.__mro__}'.format(1)", "d['__class__']['__mro__']",
        "(''|attr('__class__')).__mro__", "namespace(__class__=1)"}) {
    EXPECT_FALSE(render(std::string("{{ ") + e + " }}", Json{{"d", Json::object()}}).ok()) << e;
  }
}

TEST(ChatTemplate, BrokenUtf8PassesThrough) {
  const std::string broken = "a\xff\xc3(\xe2\x82\xf0\x9f\x98";
  const auto out = render("{{ x }}{{ x | upper | lower | length }}{{ x[::-1][::-1] == x }}",
                          Json{{"x", broken}});
  ASSERT_TRUE(out.ok()) << out.error().message;
  EXPECT_EQ(out->text, broken + "9True");
}

}  // namespace
}  // namespace overtake
