#include "token/spm.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "token/sentencepiece_text.h"
#include "token/utf8.h"

namespace overtake {
namespace {

Error damaged(std::string_view what, std::string_view path) {
  return {ErrorCode::kDamaged,
          fmt::format("{}; {}; the file is damaged: get it again", what, path)};
}

// Whether a space stands after another character, as in "a b".
bool has_inner_space(std::string_view text) {
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == ' ' && text[i - 1] != ' ') return true;
  }
  return false;
}

}  // namespace

SentencePieceBpe::SentencePieceBpe(Vocabulary vocabulary, SpecialMatcher specials)
    : vocabulary_(std::move(vocabulary)),
      specials_(std::move(specials)),
      whole_pieces_(vocabulary_.size()) {
  byte_tokens_.fill(-1);
}

Result<std::unique_ptr<Tokenizer>> SentencePieceBpe::load(const Metadata& metadata,
                                                          std::string_view path) {
  if (metadata.has("tokenizer.ggml.precompiled_charsmap") ||
      TRY(metadata.find_bool("tokenizer.ggml.remove_extra_whitespaces")).value_or(false)) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("a SentencePiece vocabulary that rewrites texts first "
                             "(tokenizer.ggml.precompiled_charsmap, .remove_extra_whitespaces); "
                             "{}; only Llama's, which does not, is known",
                             path)};
  }
  Vocabulary vocabulary = TRY(Vocabulary::read(metadata, path));
  SpecialMatcher specials = TRY(SpecialMatcher::make(vocabulary, metadata, path));
  std::unique_ptr<SentencePieceBpe> out(
      new SentencePieceBpe(std::move(vocabulary), std::move(specials)));
  TRY(out->read_space_prefix(metadata, path));
  out->fuse_unknown_ = TRY(metadata.find_bool("overtake.tokenizer.fuse_unknown")).value_or(false);
  TRY(out->index_texts(path));
  if (TRY(metadata.find_strings("tokenizer.ggml.merges"))) {
    out->merges_ = TRY(read_merges(metadata, out->vocabulary_, path));
  } else {
    TRY(out->rank_by_score(metadata, path));
  }
  TRY(out->read_roles(metadata, path, true));
  const int32_t unknown =
      TRY(read_token_id(metadata, "tokenizer.ggml.unknown_token_id", out->size(), path));
  if (unknown >= 0 && out->vocabulary_.type(unknown) != TokenType::kControl) {
    out->unknown_ = unknown;
  }
  return std::unique_ptr<Tokenizer>(std::move(out));
}

Status SentencePieceBpe::read_space_prefix(const Metadata& metadata, std::string_view path) {
  const bool any = TRY(metadata.find_bool("tokenizer.ggml.add_space_prefix")).value_or(true);
  const std::string own = TRY(metadata.find_string("overtake.tokenizer.space_prefix")).value_or("");
  if (!any) {
    space_prefix_ = SpacePrefix::kNever;
  } else if (own == "first") {
    space_prefix_ = SpacePrefix::kFirst;
  } else if (own == "unless_space") {
    space_prefix_ = SpacePrefix::kUnlessSpace;
  } else if (own.empty()) {
    space_prefix_ = SpacePrefix::kAlways;
  } else {
    return damaged(fmt::format("overtake.tokenizer.space_prefix is \"{}\"", own), path);
  }
  return {};
}

// Whether a space goes before this text, which begins at `begin` of the input.
bool SentencePieceBpe::begins_with_space(size_t begin, std::string_view text) const {
  if (space_prefix_ == SpacePrefix::kAlways) return true;
  if (space_prefix_ == SpacePrefix::kNever) return false;
  if (text.starts_with(' ') || text.starts_with(kVisibleSpace)) return false;
  return space_prefix_ == SpacePrefix::kUnlessSpace || begin == 0;
}

Status SentencePieceBpe::index_texts(std::string_view path) {
  texts_.reserve(size(), 0);
  std::string text;
  for (int32_t id = 0; id < size(); ++id) {
    const TokenType type = vocabulary_.type(id);
    const std::string_view name = vocabulary_.name(id);
    text.clear();
    if (type == TokenType::kByte) {
      const int byte = named_byte(name);
      if (byte < 0 || byte_tokens_[byte] >= 0) {
        return damaged(
            fmt::format("token {} is of type byte but named \"{}\", not <0x00> to <0xFF> "
                        "once each",
                        id, name),
            path);
      }
      byte_tokens_[byte] = id;
      text += static_cast<char>(byte);
    } else if (type == TokenType::kNormal || type == TokenType::kUserDefined) {
      append_with_spaces(name, text);
    }
    texts_.push_back(text);
    if (type != TokenType::kNormal) continue;
    if (texts_.index(id) != StringTable::Indexed::kDone) {
      return damaged(fmt::format("token {} stands twice, or thousands hash alike", id), path);
    }
    words_part_ = words_part_ && !has_inner_space(text);
    longest_token_bytes_ = std::max(longest_token_bytes_, text.size());
  }
  return {};
}

Status SentencePieceBpe::rank_by_score(const Metadata& metadata, std::string_view path) {
  const auto scores = TRY(metadata.find_doubles("tokenizer.ggml.scores"));
  if (!scores || scores->size() != static_cast<size_t>(size())) {
    return damaged(fmt::format("tokenizer.ggml.scores: expected {} entries, found {}", size(),
                               scores ? scores->size() : 0),
                   path);
  }
  for (size_t i = 0; i < scores->size(); ++i) {
    if (std::isnan((*scores)[i])) {
      return damaged(fmt::format("tokenizer.ggml.scores[{}] is not a number", i), path);
    }
  }
  std::vector<int32_t> order(size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](int32_t a, int32_t b) { return (*scores)[a] > (*scores)[b]; });
  ranks_.resize(size());
  uint32_t rank = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    if (i > 0 && (*scores)[order[i]] != (*scores)[order[i - 1]]) ++rank;
    ranks_[order[i]] = rank;  // equal scores share a rank: the leftmost pair wins
  }
  return {};
}

std::vector<int32_t> SentencePieceBpe::encode(const MarkedText& text) const {
  OVERTAKE_CHECK(text.text.size() < size_t{1} << 31);
  std::vector<int32_t> ids;
  BpeScratch scratch;
  std::string spaced;
  for (const SplitPart& part : specials_.split(text)) {
    if (part.special >= 0) {
      ids.push_back(part.special);
      continue;
    }
    const std::string_view ordinary =
        std::string_view(text.text).substr(part.begin, part.end - part.begin);
    spaced.clear();
    if (begins_with_space(part.begin, ordinary)) spaced += ' ';
    append_with_spaces(ordinary, spaced);
    for (size_t begin = 0; begin < spaced.size();) {
      const size_t end = piece_end(spaced, begin);
      encode_piece(std::string_view(spaced).substr(begin, end - begin), scratch, ids);
      begin = end;
    }
  }
  return ids;
}

// Where no token has a space after another character, no merge crosses such a place, and the text
// may be cut there: words are found faster and merged in less memory than whole texts.
size_t SentencePieceBpe::piece_end(std::string_view text, size_t begin) const {
  if (!words_part_) return text.size();
  const size_t word = text.find_first_not_of(' ', begin);
  if (word == std::string_view::npos) return text.size();
  return std::min(text.find(' ', word), text.size());
}

void SentencePieceBpe::encode_piece(std::string_view piece, BpeScratch& scratch,
                                    std::vector<int32_t>& ids) const {
  using State = WholePieces::State;
  const int32_t whole = piece.size() <= longest_token_bytes_ ? texts_.find(piece) : -1;
  const State state = whole >= 0 ? whole_pieces_.get(whole) : State::kNo;
  if (state == State::kYes) {
    ids.push_back(whole);
    return;
  }
  merge_piece(piece, scratch);
  if (state == State::kUnknown) {
    whole_pieces_.set(whole, scratch.symbols.size() == 1 && scratch.symbols[0].id == whole);
  }
  bool after_unknown = false;
  for (const BpeSymbol& symbol : scratch.symbols) {
    if (symbol.id >= 0) {
      ids.push_back(symbol.id);
      after_unknown = false;
    } else {
      after_unknown =
          push_bytes(piece.substr(symbol.begin, symbol.end - symbol.begin), after_unknown, ids);
    }
  }
}

// Leaves the piece's tokens, and characters that are none, in scratch.symbols.
void SentencePieceBpe::merge_piece(std::string_view piece, BpeScratch& scratch) const {
  const auto find = [&](uint32_t begin, uint32_t end) {
    return end - begin <= longest_token_bytes_ ? texts_.find(piece.substr(begin, end - begin)) : -1;
  };
  scratch.symbols.clear();
  for (uint32_t begin = 0; begin < piece.size();) {
    const Utf8Char c = decode_utf8(piece.substr(begin, 4));
    const uint32_t end = begin + (c.kind == Utf8Char::Kind::kValid ? c.length : 1);
    scratch.symbols.push_back({find(begin, end), begin, end});
    begin = end;
  }
  if (merges_) {
    merge_symbols(scratch, [&](const BpeSymbol& left, const BpeSymbol& right) {
      return merges_->find(left.id, right.id);
    });
    return;
  }
  merge_symbols(scratch, [&](const BpeSymbol& left, const BpeSymbol& right) {
    const int32_t id = find(left.begin, right.end);
    return id >= 0 ? BpeMerge{ranks_[id], id} : BpeMerge{};
  });
}

// A character that is no token, in the tokens of its bytes; whether it became unknown instead.
bool SentencePieceBpe::push_bytes(std::string_view bytes, bool after_unknown,
                                  std::vector<int32_t>& ids) const {
  const auto token_of = [&](char c) { return byte_tokens_[static_cast<unsigned char>(c)]; };
  if (std::all_of(bytes.begin(), bytes.end(), [&](char c) { return token_of(c) >= 0; })) {
    for (char c : bytes) ids.push_back(token_of(c));
    return false;
  }
  if (unknown_ >= 0 && !(after_unknown && fuse_unknown_)) ids.push_back(unknown_);
  return true;
}

std::string SentencePieceBpe::token_bytes(int32_t id) const {
  return in_range(id) ? std::string(texts_[id]) : std::string();
}

std::string_view SentencePieceBpe::token_name(int32_t id) const {
  return in_range(id) ? vocabulary_.name(id) : std::string_view();
}

std::optional<int32_t> SentencePieceBpe::find(std::string_view name) const {
  const int32_t id = vocabulary_.find(name);
  return id >= 0 ? std::optional<int32_t>(id) : std::nullopt;
}

bool SentencePieceBpe::is_control(int32_t id) const {
  return in_range(id) && vocabulary_.is_control(id);
}

std::string SentencePieceBpe::decode(std::span<const int32_t> ids) const {
  std::string out;
  for (int32_t id : ids) {
    if (in_range(id)) out += texts_[id];
  }
  if (space_prefix_ != SpacePrefix::kNever && out.starts_with(' ')) out.erase(0, 1);
  return out;
}

}  // namespace overtake
