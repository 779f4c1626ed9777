#include "token/grammar/json_number.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace overtake {
namespace {

// Digits behind a point where the bounds have no more: with at most nine before it, all numbers
// that are written differently are different doubles.
constexpr int64_t kFraction = 6;
constexpr size_t kMostWhole = 9;

ExprId digit(GrammarBuilder& b, int first, int last) {
  if (first > last) return b.nothing();
  return b.range(static_cast<uint8_t>('0' + first), static_cast<uint8_t>('0' + last));
}

ExprId any_digits(GrammarBuilder& b, int64_t min, int64_t max) {
  return max <= 0 ? b.empty() : b.repeat(digit(b, 0, 9), min, max);
}

// The rest of a number of as many digits as `bound`, from place `i` on, that is no less or, if
// `above` is false, no more.
ExprId beyond(GrammarBuilder& b, const std::string& bound, size_t i, bool above) {
  if (i == bound.size()) return b.empty();
  const int d = bound[i] - '0';
  const auto left = static_cast<int64_t>(bound.size() - i) - 1;
  const ExprId other = above ? digit(b, d + 1, 9) : digit(b, 0, d - 1);
  return b.choice({b.sequence({digit(b, d, d), beyond(b, bound, i + 1, above)}),
                   b.sequence({other, any_digits(b, left, left)})});
}

ExprId same_length(GrammarBuilder& b, const std::string& least, const std::string& most) {
  size_t i = 0;
  while (i < least.size() && least[i] == most[i]) ++i;
  const ExprId same = b.literal(least.substr(0, i));
  if (i == least.size()) return same;
  const int low = least[i] - '0', high = most[i] - '0';
  const auto left = static_cast<int64_t>(least.size() - i) - 1;
  return b.sequence(
      {same, b.choice({b.sequence({digit(b, low, low), beyond(b, least, i + 1, true)}),
                       b.sequence({digit(b, low + 1, high - 1), any_digits(b, left, left)}),
                       b.sequence({digit(b, high, high), beyond(b, most, i + 1, false)})})});
}

ExprId natural_range(GrammarBuilder& b, int64_t least, int64_t most) {
  std::vector<ExprId> lengths;
  for (int64_t first = 0, last = 9; first <= most; first = last + 1, last = last * 10 + 9) {
    const int64_t from = std::max(first, least), to = std::min(last, most);
    if (from <= to) lengths.push_back(same_length(b, std::to_string(from), std::to_string(to)));
  }
  return b.choice(lengths);
}

// What may follow a number's whole part, as that of the bound: a fraction no less than its.
ExprId fraction_from(GrammarBuilder& b, const DecimalBound& bound) {
  const std::string& f = bound.fraction;
  const auto most = std::max<int64_t>(kFraction, static_cast<int64_t>(f.size()));
  const ExprId point = b.literal(".");
  const auto more_than_nothing = [&](int64_t room) {
    // At least one digit that is not 0.
    std::vector<ExprId> ways;
    for (int64_t zeros = 0; zeros < room; ++zeros) {
      ways.push_back(b.sequence({b.literal(std::string(static_cast<size_t>(zeros), '0')),
                                 digit(b, 1, 9), any_digits(b, 0, room - zeros - 1)}));
    }
    return b.choice(ways);
  };
  if (f.empty()) {
    if (bound.excluded) return b.sequence({point, more_than_nothing(most)});
    return b.optional(b.sequence({point, any_digits(b, 1, most)}));
  }
  const int64_t room = most - static_cast<int64_t>(f.size());
  ExprId rest = bound.excluded ? more_than_nothing(room) : any_digits(b, 0, room);
  for (size_t i = f.size(); i-- > 0;) {
    const int d = f[i] - '0';
    rest = b.choice(
        {b.sequence({digit(b, d, d), rest}),
         b.sequence({digit(b, d + 1, 9), any_digits(b, 0, most - static_cast<int64_t>(i) - 1)})});
  }
  return b.sequence({point, rest});
}

// ... no more than its.
ExprId fraction_to(GrammarBuilder& b, const DecimalBound& bound) {
  const std::string& f = bound.fraction;
  const auto most = std::max<int64_t>(kFraction, static_cast<int64_t>(f.size()));
  const ExprId point = b.literal(".");
  const ExprId zero = b.literal("0");
  if (f.empty()) {
    if (bound.excluded) return b.nothing();
    return b.optional(b.sequence({point, b.repeat(zero, 1, most)}));
  }
  const int64_t room = most - static_cast<int64_t>(f.size());
  ExprId rest = bound.excluded ? b.nothing() : b.repeat(zero, 0, room);
  for (size_t i = f.size(); i-- > 0;) {
    const int d = f[i] - '0';
    const ExprId on = i + 1 < f.size() ? b.optional(rest) : rest;
    rest = b.choice(
        {b.sequence({digit(b, d, d), on}),
         b.sequence({digit(b, 0, d - 1), any_digits(b, 0, most - static_cast<int64_t>(i) - 1)})});
  }
  return b.optional(b.sequence({point, rest}));
}

ExprId any_fraction(GrammarBuilder& b) {
  return b.optional(b.sequence({b.literal("."), any_digits(b, 1, kFraction)}));
}

// Numbers that are not negative.
Result<ExprId> positive_range(GrammarBuilder& b, const DecimalBound& least,
                              const std::optional<DecimalBound>& most) {
  constexpr int64_t kMost = 999'999'999;
  const int64_t low = std::stoll(least.whole);
  const int64_t high = most ? std::stoll(most->whole) : kMost + 1;
  std::vector<ExprId> ways;
  if (low > high) return b.nothing();
  if (low == high) {
    const ExprId both = TRY(b.intersection(fraction_from(b, least), fraction_to(b, *most)));
    return b.sequence({b.literal(least.whole), both});
  }
  ways.push_back(b.sequence({b.literal(least.whole), fraction_from(b, least)}));
  if (low + 1 <= high - 1) {
    ways.push_back(b.sequence({natural_range(b, low + 1, high - 1), any_fraction(b)}));
  }
  if (most) ways.push_back(b.sequence({b.literal(most->whole), fraction_to(b, *most)}));
  return b.choice(ways);
}

bool is_zero(const DecimalBound& bound) { return bound.whole == "0" && bound.fraction.empty(); }

}  // namespace

ExprId add_integer_range(GrammarBuilder& builder, int64_t least, int64_t most) {
  std::vector<ExprId> ways;
  if (most >= 0) ways.push_back(natural_range(builder, std::max<int64_t>(least, 0), most));
  if (least < 0) {
    ways.push_back(builder.sequence(
        {builder.literal("-"), natural_range(builder, std::max<int64_t>(1, -most), -least)}));
  }
  return builder.choice(ways);
}

// States are remainders of the digits so far, behind the states for the beginning and the minus.
ExprId add_multiples(GrammarBuilder& builder, int64_t step) {
  ByteAutomaton out;
  out.accepts.assign(static_cast<size_t>(step) + 2, false);
  out.accepts[2] = true;
  out.edges.push_back({0, '-', '-', 1});
  const auto digits = [&](int32_t from, int64_t remainder) {
    for (int64_t d = 0; d < 10; ++d) {
      const auto byte = static_cast<uint8_t>('0' + d);
      const auto to = static_cast<int32_t>(2 + (remainder * 10 + d) % step);
      out.edges.push_back({from, byte, byte, to});
    }
  };
  digits(0, 0);
  digits(1, 0);
  for (int64_t r = 0; r < step; ++r) digits(static_cast<int32_t>(2 + r), r);
  return builder.automaton(std::move(out));
}

Result<DecimalBound> decimal_bound(double value, bool excluded) {
  DecimalBound out{.negative = value < 0, .excluded = excluded};
  const std::string text = fmt::format("{}", std::fabs(value));
  const size_t point = text.find('.');
  out.whole = text.substr(0, point);
  if (point != std::string::npos) out.fraction = text.substr(point + 1);
  while (out.fraction.ends_with('0')) out.fraction.pop_back();
  if (text.find('e') != std::string::npos || out.whole.size() > kMostWhole ||
      out.whole.size() + out.fraction.size() > 15) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("a bound of {} has more digits than can be held; use one of at most "
                             "nine before the point and 15 in all",
                             text)};
  }
  return out;
}

Result<ExprId> add_number_range(GrammarBuilder& b, const std::optional<DecimalBound>& least,
                                const std::optional<DecimalBound>& most) {
  const DecimalBound zero;
  std::vector<ExprId> ways;
  if (!most || !most->negative) {
    ways.push_back(TRY(positive_range(b, least && !least->negative ? *least : zero, most)));
  }
  if (!least || least->negative) {
    // Mirrored: what is at most -2 is at least 2 behind a minus.
    DecimalBound from =
        most && (most->negative || (is_zero(*most) && most->excluded)) ? *most : zero;
    const ExprId mirrored = TRY(positive_range(b, from, least));
    ways.push_back(b.sequence({b.literal("-"), mirrored}));
  }
  return b.choice(ways);
}

}  // namespace overtake
