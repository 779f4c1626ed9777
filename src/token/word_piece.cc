#include "token/word_piece.h"

#include <fmt/core.h>

#include "token/char_class.h"
#include "token/sentencepiece_text.h"

namespace overtake {
namespace {

// BERT's own rewriting, where the file does not list steps.
Result<std::vector<std::string>> normalizer_steps(const Metadata& metadata) {
  if (const auto* own = TRY(metadata.find_strings("overtake.tokenizer.normalizer"))) return *own;
  const bool lower = TRY(metadata.find_bool("tokenizer.ggml.normalizer.lowercase")).value_or(true);
  const bool strip =
      TRY(metadata.find_bool("tokenizer.ggml.normalizer.strip_accents")).value_or(lower);
  return std::vector{
      fmt::format("Bert clean chinese{}{}", strip ? " strip" : "", lower ? " lowercase" : "")};
}

}  // namespace

WordPiece::WordPiece(Vocabulary vocabulary, SpecialMatcher specials)
    : vocabulary_(std::move(vocabulary)), specials_(std::move(specials)) {}

Result<std::unique_ptr<Tokenizer>> WordPiece::load(const Metadata& metadata,
                                                   std::string_view path) {
  Vocabulary vocabulary = TRY(Vocabulary::read(metadata, path));
  SpecialMatcher specials = TRY(SpecialMatcher::make(vocabulary, metadata, path));
  std::unique_ptr<WordPiece> out(new WordPiece(std::move(vocabulary), std::move(specials)));
  out->normalizer_ = TRY(Normalizer::make(TRY(normalizer_steps(metadata)), {}, path));
  out->max_word_characters_ =
      TRY(metadata.find_int("overtake.tokenizer.max_word_characters")).value_or(100);
  TRY(out->index_texts(path));
  TRY(out->read_roles(metadata, path, true));
  if (!out->bos_) {
    const int32_t cls =
        TRY(read_token_id(metadata, "tokenizer.ggml.cls_token_id", out->size(), path));
    if (cls >= 0) out->bos_ = cls;
    out->add_bos_ =
        cls >= 0 && TRY(metadata.find_bool("tokenizer.ggml.add_bos_token")).value_or(true);
  }
  out->unknown_ =
      TRY(read_token_id(metadata, "tokenizer.ggml.unknown_token_id", out->size(), path));
  return std::unique_ptr<Tokenizer>(std::move(out));
}

Status WordPiece::index_texts(std::string_view path) {
  size_t n_bytes = 0;
  for (int32_t id = 0; id < size(); ++id) n_bytes += vocabulary_.name(id).size();
  if (n_bytes > ByteTrie::kMaxBytes) {
    return Error{ErrorCode::kDamaged,
                 fmt::format("more bytes of tokens than can be; {}; the file is damaged: get it "
                             "again",
                             path)};
  }
  beginnings_ = ByteTrie(n_bytes);
  continuations_ = ByteTrie(n_bytes);
  texts_.reserve(size(), n_bytes);
  std::string text;
  for (int32_t id = 0; id < size(); ++id) {
    const TokenType type = vocabulary_.type(id);
    std::string_view name = vocabulary_.name(id);
    const bool begins = name.starts_with(kVisibleSpace);
    text.clear();
    if (begins && type == TokenType::kNormal) {
      name.remove_prefix(kVisibleSpace.size());
      text = ' ';
    }
    if (type == TokenType::kNormal || type == TokenType::kUserDefined) text += name;
    texts_.push_back(text);
    if (type != TokenType::kNormal || name.empty()) continue;
    if (!(begins ? beginnings_ : continuations_).insert(name, id)) {
      return Error{ErrorCode::kDamaged, fmt::format("token {} is too long, or thousands hash "
                                                    "alike; {}; the file is damaged: get it again",
                                                    id, path)};
    }
  }
  return {};
}

std::vector<int32_t> WordPiece::encode(const MarkedText& text) const {
  OVERTAKE_CHECK(text.text.size() < size_t{1} << 31);
  std::vector<int32_t> ids;
  std::string rewritten;
  for (const SplitPart& part : specials_.split(text)) {
    if (part.special >= 0) {
      ids.push_back(part.special);
      continue;
    }
    encode_words(
        normalizer_.apply(std::string_view(text.text).substr(part.begin, part.end - part.begin),
                          rewritten),
        ids);
  }
  return ids;
}

// White space parts words, every punctuation character is one.
void WordPiece::encode_words(std::string_view text, std::vector<int32_t>& ids) const {
  size_t word = 0;
  for (size_t at = 0; at < text.size();) {
    const ClassedChar c = classify(text, at);
    if (c.char_class == CharClass::kSpace || c.char_class == CharClass::kPunctuation) {
      if (word < at) encode_word(text.substr(word, at - word), ids);
      if (c.char_class == CharClass::kPunctuation) encode_word(text.substr(at, c.length), ids);
      word = at + c.length;
    }
    at += c.length;
  }
  if (word < text.size()) encode_word(text.substr(word), ids);
}

void WordPiece::encode_word(std::string_view word, std::vector<int32_t>& ids) const {
  const auto give_up = [&, before = ids.size()] {
    ids.resize(before);
    if (unknown_ >= 0) ids.push_back(unknown_);
  };
  int64_t n_characters = 0;
  for (size_t at = 0; at < word.size(); at += classify(word, at).length) ++n_characters;
  if (n_characters > max_word_characters_) return give_up();
  for (size_t begin = 0; begin < word.size();) {
    const ByteTrie& trie = begin == 0 ? beginnings_ : continuations_;
    uint32_t node = ByteTrie::kRoot;
    int32_t best = -1;
    size_t best_end = begin;
    for (size_t end = begin; end < word.size();) {
      node = trie.next(node, word[end++]);
      if (node == ByteTrie::kNone) break;
      if (trie.value(node) < 0) continue;
      best = trie.value(node);
      best_end = end;
    }
    if (best < 0) return give_up();
    ids.push_back(best);
    begin = best_end;
  }
}

std::string WordPiece::token_bytes(int32_t id) const {
  return in_range(id) ? std::string(texts_[id]) : std::string();
}

std::string_view WordPiece::token_name(int32_t id) const {
  return in_range(id) ? vocabulary_.name(id) : std::string_view();
}

std::optional<int32_t> WordPiece::find(std::string_view name) const {
  const int32_t id = vocabulary_.find(name);
  return id >= 0 ? std::optional<int32_t>(id) : std::nullopt;
}

bool WordPiece::is_control(int32_t id) const { return in_range(id) && vocabulary_.is_control(id); }

std::string WordPiece::decode(std::span<const int32_t> ids) const {
  std::string out;
  for (int32_t id : ids) {
    if (in_range(id)) out += texts_[id];
  }
  if (out.starts_with(' ')) out.erase(0, 1);
  return out;
}

}  // namespace overtake
