#include "token/normalizer.h"

#include <fmt/core.h>

#include "base/text.h"
#include "token/bert_characters.h"
#include "token/char_class.h"
#include "token/charsmap.h"
#include "token/unicode_form.h"
#include "token/utf8.h"

namespace overtake {
namespace {

constexpr std::string_view kForms[] = {"NFC", "NFD", "NFKC", "NFKD"};

// Appends `text` with each character as `put(code, out)` writes it.
template <typename Put>
bool map_characters(std::string_view text, std::string& out, Put put) {
  const size_t old_size = out.size();
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = decode_utf8(text.substr(at, 4));
    if (c.kind == Utf8Char::Kind::kValid) {
      put(c.code, out);
      at += c.length;
    } else {
      out += text[at++];
    }
  }
  if (std::string_view(out).substr(old_size) != text) return true;
  out.resize(old_size);
  return false;
}

bool replace_all(std::string_view text, std::string_view from, std::string_view to,
                 std::string& out) {
  if (text.find(from) == text.npos) return false;
  for (;;) {
    const size_t at = text.find(from);
    out += text.substr(0, at);
    if (at == text.npos) return true;
    out += to;
    text.remove_prefix(at + from.size());
  }
}

// Runs of two and more spaces become `to`.
bool squeeze(std::string_view text, std::string_view to, std::string& out) {
  if (text.find("  ") == text.npos) return false;
  while (!text.empty()) {
    const size_t run = text.find("  ");
    out += text.substr(0, run);
    if (run == text.npos) break;
    out += to;
    text.remove_prefix(std::min(text.find_first_not_of(' ', run), text.size()));
  }
  return true;
}

bool strip(std::string_view text, bool left, bool right, std::string& out) {
  size_t begin = 0;
  size_t end = 0;  // behind the last character that is no space
  for (size_t at = 0; at < text.size();) {
    const ClassedChar c = classify(text, at);
    at += c.length;
    if (c.char_class != CharClass::kSpace) end = at;
    if (end == 0) begin = at;
  }
  if (!left) begin = 0;
  if (!right) end = text.size();
  if (begin == 0 && end == text.size()) return false;
  out += text.substr(begin, end > begin ? end - begin : 0);
  return true;
}

// The blocks that BERT's own code takes for Chinese characters (its tokenization.py).
bool is_chinese(char32_t code) {
  return (code >= 0x4e00 && code <= 0x9fff) || (code >= 0x3400 && code <= 0x4dbf) ||
         (code >= 0x20000 && code <= 0x2a6df) || (code >= 0x2a700 && code <= 0x2b73f) ||
         (code >= 0x2b740 && code <= 0x2b81f) || (code >= 0x2b920 && code <= 0x2ceaf) ||
         (code >= 0xf900 && code <= 0xfaff) || (code >= 0x2f800 && code <= 0x2fa1f);
}

bool is_white_space(char32_t code) {
  std::string text;
  append_utf8(code, text);
  return classify(text, 0).char_class == CharClass::kSpace;
}

// Control characters go, white space becomes a space.
void put_clean(char32_t code, std::string& out) {
  if (is_bert_control(code)) return;
  if (is_white_space(code)) {
    out += ' ';
  } else {
    append_utf8(code, out);
  }
}

void put_apart(char32_t code, std::string& out) {
  if (is_chinese(code)) out += ' ';
  append_utf8(code, out);
  if (is_chinese(code)) out += ' ';
}

template <typename Put>
auto map_step(Put put) {
  return [put](std::string_view text, std::string& to) { return map_characters(text, to, put); };
}

}  // namespace

// "Bert" with the parts that are on, in their order.
void Normalizer::add_bert_steps(std::string_view step) {
  if (step.find(" clean") != step.npos) steps_.push_back(map_step(put_clean));
  if (step.find(" chinese") != step.npos) steps_.push_back(map_step(put_apart));
  if (step.find(" strip") != step.npos) {
    steps_.push_back([](std::string_view text, std::string& to) {
      return append_in_form(text, UnicodeForm::kNfd, to);
    });
    steps_.push_back(map_step([](char32_t code, std::string& out) {
      if (!is_bert_accent(code)) append_utf8(code, out);
    }));
  }
  if (step.find(" lowercase") != step.npos) steps_.push_back(map_step(append_lower));
  if (steps_.empty()) steps_.push_back([](std::string_view, std::string&) { return false; });
}

// Steps that are texts of their own; whether `step` is one.
bool Normalizer::add_text_step(const std::string& step) {
  const std::string_view name = step;
  if (name.starts_with("Prepend ")) {
    steps_.push_back([prefix = step.substr(8)](std::string_view text, std::string& to) {
      if (text.empty()) return false;
      to.append(prefix).append(text);
      return true;
    });
  } else if (name.starts_with("Replace regex  {2,}\t")) {
    steps_.push_back([to_text = step.substr(20)](std::string_view text, std::string& to) {
      return squeeze(text, to_text, to);
    });
  } else if (name.starts_with("Replace string ") && name.find('\t', 16) != name.npos) {
    const size_t tab = name.find('\t', 16);
    steps_.push_back([from = step.substr(15, tab - 15), to_text = step.substr(tab + 1)](
                         std::string_view text, std::string& to) {
      return replace_all(text, from, to_text, to);
    });
  } else {
    return false;
  }
  return true;
}

bool Normalizer::add_step(const std::string& step) {
  for (size_t i = 0; i < std::size(kForms); ++i) {
    if (step != kForms[i]) continue;
    steps_.push_back([form = static_cast<UnicodeForm>(i)](std::string_view text, std::string& to) {
      return append_in_form(text, form, to);
    });
    return true;
  }
  if (step == "Bert" || step.starts_with("Bert ")) {
    add_bert_steps(step);
  } else if (step == "Lowercase") {
    steps_.push_back(map_step(append_lower));
  } else if (step == "StripAccents") {
    steps_.push_back(map_step([](char32_t code, std::string& out) {
      if (!is_mark(code)) append_utf8(code, out);
    }));
  } else if (step == "Strip" || step.starts_with("Strip ")) {
    const bool left = step.find(" left") != step.npos;
    const bool right = step.find(" right") != step.npos;
    steps_.push_back(
        [=](std::string_view text, std::string& to) { return strip(text, left, right, to); });
  } else {
    return add_text_step(step);
  }
  return true;
}

Result<Normalizer> Normalizer::make(std::span<const std::string> steps, std::string_view charsmap,
                                    std::string_view path) {
  Normalizer out;
  for (const std::string& step : steps) {
    if (step == "Precompiled") {
      const auto map = std::make_shared<Charsmap>(TRY(Charsmap::parse(charsmap, path)));
      out.steps_.push_back(
          [map](std::string_view text, std::string& to) { return map->rewrite(text, to); });
    } else if (!out.add_step(step)) {
      return Error{
          ErrorCode::kUnsupported,
          fmt::format("unknown step of the normalizer: {}; {}; this way of rewriting texts "
                      "is not known yet: use another file of the model, or token ids",
                      escaped(step), path)};
    }
  }
  return out;
}

std::string_view Normalizer::apply(std::string_view text, std::string& scratch) const {
  std::string next;
  std::string_view now = text;
  for (const Step& step : steps_) {
    next.clear();
    if (!step(now, next)) continue;
    scratch.swap(next);
    now = scratch;
  }
  return now;
}

}  // namespace overtake
