#include "token/unigram.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "token/char_class.h"
#include "token/sentencepiece_text.h"
#include "token/utf8.h"

namespace overtake {
namespace {

constexpr double kUnknownPenalty = 10.0;  // SentencePiece's, below the worst score

Error damaged(std::string_view what, std::string_view path) {
  return {ErrorCode::kDamaged,
          fmt::format("{}; {}; the file is damaged: get it again", what, path)};
}

bool is_space_at(std::string_view text, size_t at) {
  return classify(text, at).char_class == CharClass::kSpace;
}

// The bytes of an array of small numbers.
Result<std::string> read_charsmap(const Metadata& metadata, std::string_view path) {
  const auto numbers = TRY(metadata.find_ints("tokenizer.ggml.precompiled_charsmap"));
  std::string out;
  if (!numbers) return out;
  out.reserve(numbers->size());
  for (const int64_t number : *numbers) {
    // GGUF files hold them as signed or unsigned bytes.
    if (number < -128 || number > 255) {
      return damaged("tokenizer.ggml.precompiled_charsmap holds more than bytes", path);
    }
    out += static_cast<char>(number);
  }
  return out;
}

}  // namespace

Unigram::Unigram(Vocabulary vocabulary, SpecialMatcher specials)
    : vocabulary_(std::move(vocabulary)), specials_(std::move(specials)) {
  byte_tokens_.fill(-1);
}

Result<std::unique_ptr<Tokenizer>> Unigram::load(const Metadata& metadata, std::string_view path) {
  Vocabulary vocabulary = TRY(Vocabulary::read(metadata, path));
  SpecialMatcher specials = TRY(SpecialMatcher::make(vocabulary, metadata, path));
  std::unique_ptr<Unigram> out(new Unigram(std::move(vocabulary), std::move(specials)));
  TRY(out->read_cutting(metadata, path));
  TRY(out->index_texts(metadata, path));
  TRY(out->read_roles(metadata, path, false));
  out->unknown_ =
      TRY(read_token_id(metadata, "tokenizer.ggml.unknown_token_id", out->size(), path));
  return std::unique_ptr<Tokenizer>(std::move(out));
}

// Without keys of our own: what transformers makes of such a SentencePiece model.
Status Unigram::read_cutting(const Metadata& metadata, std::string_view path) {
  const std::string charsmap = TRY(read_charsmap(metadata, path));
  const bool prefix = TRY(metadata.find_bool("tokenizer.ggml.add_space_prefix")).value_or(true);
  std::vector<std::string> normalizer;
  if (!charsmap.empty()) normalizer.push_back("Precompiled");
  if (TRY(metadata.find_bool("tokenizer.ggml.remove_extra_whitespaces")).value_or(false)) {
    normalizer.push_back("Strip right");
    normalizer.push_back("Replace regex  {2,}\t" + std::string(kVisibleSpace));
  }
  if (const auto* own = TRY(metadata.find_strings("overtake.tokenizer.normalizer"))) {
    normalizer = *own;
  }
  normalizer_ = TRY(Normalizer::make(normalizer, charsmap, path));
  std::vector<std::string> steps = {prefix ? "Metaspace always split" : "Metaspace never split"};
  if (const auto* own = TRY(metadata.find_strings("overtake.tokenizer.steps"))) steps = *own;
  std::string last = steps.empty() ? "" : steps.back();
  drops_spaces_ = steps.size() == 2 && steps[0] == "WhitespaceSplit";
  cuts_words_ = last.ends_with(" split");
  if (cuts_words_) last.resize(last.size() - 6);
  if ((steps.size() != 1 && !drops_spaces_) ||
      (last != "Metaspace always" && last != "Metaspace first" && last != "Metaspace never")) {
    std::string all;
    for (const std::string& step : steps) all += (all.empty() ? "" : ", ") + step;
    return Error{ErrorCode::kUnsupported,
                 fmt::format("unknown pre-tokenizer of a unigram vocabulary: [{}]; {}; use another "
                             "file of the model, or token ids",
                             escaped(all), path)};
  }
  space_prefix_ = last == "Metaspace always"  ? SpacePrefix::kAlways
                  : last == "Metaspace first" ? SpacePrefix::kFirst
                                              : SpacePrefix::kNever;
  return {};
}

Status Unigram::index_texts(const Metadata& metadata, std::string_view path) {
  const auto scores = TRY(metadata.find_doubles("tokenizer.ggml.scores"));
  if (!scores || scores->size() != static_cast<size_t>(size())) {
    return damaged(fmt::format("tokenizer.ggml.scores: expected {} entries, found {}", size(),
                               scores ? scores->size() : 0),
                   path);
  }
  scores_ = *scores;
  double least = 0;
  size_t n_bytes = 0;
  for (int32_t id = 0; id < size(); ++id) {
    if (!std::isfinite(scores_[id])) {
      return damaged(fmt::format("tokenizer.ggml.scores[{}] is not a number", id), path);
    }
    if (vocabulary_.type(id) != TokenType::kUnused) least = std::min(least, scores_[id]);
    n_bytes += vocabulary_.name(id).size();
  }
  unknown_score_ = least - kUnknownPenalty;
  if (n_bytes > ByteTrie::kMaxBytes) return damaged("more bytes of tokens than can be", path);
  trie_ = ByteTrie(n_bytes);
  texts_.reserve(size(), 0);
  std::string text;
  for (int32_t id = 0; id < size(); ++id) {
    const TokenType type = vocabulary_.type(id);
    const std::string_view name = vocabulary_.name(id);
    text.clear();
    if (const int byte = type == TokenType::kByte ? named_byte(name) : -1; byte >= 0) {
      byte_tokens_[byte] = id;
      text += static_cast<char>(byte);
    } else if (type == TokenType::kNormal || type == TokenType::kUserDefined) {
      append_with_spaces(name, text);
    }
    texts_.push_back(text);
    if (type == TokenType::kNormal && !text.empty() && !trie_.insert(text, id)) {
      return damaged(fmt::format("token {} is too long, or thousands hash alike", id), path);
    }
  }
  return {};
}

std::vector<int32_t> Unigram::encode(const MarkedText& text) const {
  OVERTAKE_CHECK(text.text.size() < size_t{1} << 31);
  std::vector<int32_t> ids;
  Scratch scratch;
  for (const SplitPart& part : specials_.split(text)) {
    if (part.special >= 0) {
      ids.push_back(part.special);
    } else {
      encode_part(std::string_view(text.text).substr(part.begin, part.end - part.begin),
                  part.begin == 0, scratch, ids);
    }
  }
  return ids;
}

void Unigram::encode_part(std::string_view text, bool is_first, Scratch& scratch,
                          std::vector<int32_t>& ids) const {
  const std::string_view all = normalizer_.apply(text, scratch.rewritten);
  const auto wants_prefix = [&](size_t begin) {
    return space_prefix_ == SpacePrefix::kAlways ||
           (space_prefix_ == SpacePrefix::kFirst && is_first && begin == 0);
  };
  if (!drops_spaces_) {
    encode_spaced(all, wants_prefix(0), scratch, ids);
    return;
  }
  for (size_t begin = 0; begin < all.size();) {
    size_t end = begin;
    while (end < all.size() && !is_space_at(all, end)) end += classify(all, end).length;
    if (end > begin)
      encode_spaced(all.substr(begin, end - begin), wants_prefix(begin), scratch, ids);
    begin = end < all.size() ? end + classify(all, end).length : end;
  }
}

void Unigram::encode_spaced(std::string_view text, bool prefix, Scratch& scratch,
                            std::vector<int32_t>& ids) const {
  if (text.empty()) return;
  std::string& spaced = scratch.spaced;
  spaced.clear();
  if (prefix && !text.starts_with(' ') && !text.starts_with(kVisibleSpace)) spaced += ' ';
  append_with_spaces(text, spaced);
  const std::string_view all = spaced;
  for (size_t begin = 0; begin < all.size();) {
    const size_t end = cuts_words_ ? std::min(all.find(' ', begin + 1), all.size()) : all.size();
    encode_piece(all.substr(begin, end - begin), scratch, ids);
    begin = end;
  }
}

void Unigram::encode_piece(std::string_view piece, Scratch& scratch,
                           std::vector<int32_t>& ids) const {
  find_path(piece, scratch);
  scratch.path.clear();
  for (size_t end = piece.size(); end > 0; end = scratch.nodes[end].begin) {
    scratch.path.push_back(scratch.nodes[end]);
  }
  for (size_t i = scratch.path.size(); i-- > 0;) {
    const Node& node = scratch.path[i];
    if (node.id >= 0) {
      ids.push_back(node.id);
    } else {
      // Characters next to each other that are no tokens are unknown as one.
      while (i > 0 && scratch.path[i - 1].id < 0) --i;
      const size_t end = i > 0 ? scratch.path[i - 1].begin : piece.size();
      if (!push_bytes(piece.substr(node.begin, end - node.begin), ids) && unknown_ >= 0) {
        ids.push_back(unknown_);
      }
    }
  }
}

// scratch.nodes[i] is then the best way to piece[0, i).
void Unigram::find_path(std::string_view piece, Scratch& scratch) const {
  std::vector<Node>& nodes = scratch.nodes;
  nodes.assign(piece.size() + 1, Node{});
  const auto offer = [&](size_t begin, size_t end, double score, int32_t id) {
    Node& node = nodes[end];
    const double total = nodes[begin].score + score;
    if (!node.reached || total > node.score) node = {total, static_cast<uint32_t>(begin), id, true};
  };
  for (size_t begin = 0; begin < piece.size();) {
    const Utf8Char c = decode_utf8(piece.substr(begin, 4));
    const size_t length = c.kind == Utf8Char::Kind::kValid ? c.length : 1;
    bool has_single = false;
    uint32_t at = ByteTrie::kRoot;
    for (size_t end = begin; end < piece.size();) {
      at = trie_.next(at, piece[end]);
      if (at == ByteTrie::kNone) break;
      ++end;
      const int32_t id = trie_.value(at);
      if (id < 0) continue;
      offer(begin, end, scores_[id], id);
      has_single = has_single || end - begin == length;
    }
    if (!has_single) offer(begin, begin + length, unknown_score_, -1);
    begin += length;
  }
}

// Spells what is no token in the tokens of its bytes, if the vocabulary has them all.
bool Unigram::push_bytes(std::string_view bytes, std::vector<int32_t>& ids) const {
  const auto token_of = [&](char c) { return byte_tokens_[static_cast<unsigned char>(c)]; };
  if (!std::all_of(bytes.begin(), bytes.end(), [&](char c) { return token_of(c) >= 0; })) {
    return false;
  }
  for (char c : bytes) ids.push_back(token_of(c));
  return true;
}

std::string Unigram::token_bytes(int32_t id) const {
  return in_range(id) ? std::string(texts_[id]) : std::string();
}

std::string_view Unigram::token_name(int32_t id) const {
  return in_range(id) ? vocabulary_.name(id) : std::string_view();
}

std::optional<int32_t> Unigram::find(std::string_view name) const {
  const int32_t id = vocabulary_.find(name);
  return id >= 0 ? std::optional<int32_t>(id) : std::nullopt;
}

bool Unigram::is_control(int32_t id) const { return in_range(id) && vocabulary_.is_control(id); }

std::string Unigram::decode(std::span<const int32_t> ids) const {
  std::string out;
  for (int32_t id : ids) {
    if (in_range(id)) out += texts_[id];
  }
  if (space_prefix_ != SpacePrefix::kNever && out.starts_with(' ')) out.erase(0, 1);
  return out;
}

}  // namespace overtake
