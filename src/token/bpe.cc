#include "token/bpe.h"

#include <fmt/core.h>

#include <algorithm>

#include "token/byte_level.h"

namespace overtake {
namespace {

Result<const PreTokenizer*> pretokenizer_by_name(std::string_view name, std::string_view path) {
  std::string known;
  for (const PreTokenizer* entry : all_pretokenizers()) {
    if (std::find(entry->names.begin(), entry->names.end(), name) != entry->names.end()) {
      return entry;
    }
    for (std::string_view other : entry->names) known += fmt::format(" {}", other);
  }
  if (name.empty() || name == "default") {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("the file does not say how its model cuts text (tokenizer.ggml.pre); "
                             "{}; it was made by an old converter: get a newer file of the model",
                             path)};
  }
  return Error{ErrorCode::kUnsupported,
               fmt::format("unknown pre-tokenizer \"{}\" (tokenizer.ggml.pre); {}; known are:{}",
                           name, path, known)};
}

Error damaged(std::string_view what, std::string_view path) {
  return {ErrorCode::kDamaged,
          fmt::format("{}; {}; the file is damaged: get it again", what, path)};
}

}  // namespace

// By the name in tokenizer.ggml.pre, or by the steps that a tokenizer.json listed; keys of our own
// say where a tokenizer.json differs from what goes with the name.
Result<ByteLevelBpe::Cutting> ByteLevelBpe::read_cutting(const Metadata& metadata,
                                                         std::string_view path) {
  const std::string name = TRY(metadata.find_string("tokenizer.ggml.pre")).value_or(std::string());
  Cutting out;
  std::vector<std::string> normalizer;
  if (name == kPreTokenizerOfSteps) {
    const auto* steps = TRY(metadata.find_strings("overtake.tokenizer.steps"));
    out.steps = TRY(find_steps(steps ? *steps : std::vector<std::string>(), path));
    if (out.steps.empty()) return damaged("overtake.tokenizer.steps lists no step", path);
  } else {
    const PreTokenizer* entry = TRY(pretokenizer_by_name(name, path));
    out.steps.assign(entry->steps.begin(), entry->steps.end());
    out.whole_pieces_first = entry->whole_pieces_first;
    out.default_add_bos = entry->default_add_bos;
    normalizer.assign(entry->normalizer.begin(), entry->normalizer.end());
  }
  out.whole_pieces_first = TRY(metadata.find_bool("overtake.tokenizer.whole_pieces_first"))
                               .value_or(out.whole_pieces_first);
  if (const auto* own = TRY(metadata.find_strings("overtake.tokenizer.normalizer"))) {
    normalizer = *own;
  }
  out.normalizer = TRY(Normalizer::make(normalizer, {}, path));
  return out;
}

ByteLevelBpe::ByteLevelBpe(Vocabulary vocabulary, SpecialMatcher specials, MergeTable merges,
                           Cutting cutting)
    : vocabulary_(std::move(vocabulary)),
      specials_(std::move(specials)),
      merges_(std::move(merges)),
      cutting_(std::move(cutting)),
      whole_pieces_(vocabulary_.size()) {
  byte_tokens_.fill(-1);
}

Result<std::unique_ptr<Tokenizer>> ByteLevelBpe::load(const Metadata& metadata,
                                                      std::string_view path) {
  Cutting cutting = TRY(read_cutting(metadata, path));
  if (TRY(metadata.find_bool("tokenizer.ggml.add_space_prefix")).value_or(false)) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("a byte-level BPE that puts a space before texts "
                             "(tokenizer.ggml.add_space_prefix); {}; get another file of the model",
                             path)};
  }
  Vocabulary vocabulary = TRY(Vocabulary::read(metadata, path));
  SpecialMatcher specials = TRY(SpecialMatcher::make(vocabulary, metadata, path));
  MergeTable merges = TRY(read_merges(metadata, vocabulary, path));
  const bool default_add_bos = cutting.default_add_bos;
  std::unique_ptr<ByteLevelBpe> out(new ByteLevelBpe(std::move(vocabulary), std::move(specials),
                                                     std::move(merges), std::move(cutting)));
  TRY(out->index_bytes(path));
  TRY(out->read_roles(metadata, path, default_add_bos));
  const int32_t unknown =
      TRY(read_token_id(metadata, "tokenizer.ggml.unknown_token_id", out->size(), path));
  if (unknown >= 0 && out->vocabulary_.type(unknown) != TokenType::kControl) {
    out->unknown_ = unknown;
  }
  return std::unique_ptr<Tokenizer>(std::move(out));
}

Status ByteLevelBpe::index_bytes(std::string_view path) {
  bytes_.reserve(size(), 0);
  for (int32_t id = 0; id < size(); ++id) {
    const std::string_view name = vocabulary_.name(id);
    const TokenType type = vocabulary_.type(id);
    if (vocabulary_.is_control(id) || type == TokenType::kUnused) {
      bytes_.push_back("");
      continue;
    }
    const std::optional<std::string> bytes = byte_level_bytes(name);
    if (type != TokenType::kNormal || !bytes) {
      bytes_.push_back(name);
      continue;
    }
    bytes_.push_back(*bytes);
    if (bytes_.index(id) != StringTable::Indexed::kDone) {
      return Error{ErrorCode::kDamaged, fmt::format("thousands of tokens hash alike; {}; the file "
                                                    "is damaged: get it again",
                                                    path)};
    }
    longest_token_bytes_ = std::max(longest_token_bytes_, bytes->size());
  }
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    byte_tokens_[byte] = bytes_.find({&c, 1});
  }
  return {};
}

std::vector<int32_t> ByteLevelBpe::encode(const MarkedText& text) const {
  OVERTAKE_CHECK(text.text.size() < size_t{1} << 31);
  std::vector<int32_t> ids;
  BpeScratch scratch;
  std::string rewritten;
  for (const SplitPart& part : specials_.split(text)) {
    if (part.special >= 0) {
      ids.push_back(part.special);
      continue;
    }
    const std::string_view all = cutting_.normalizer.apply(
        std::string_view(text.text).substr(part.begin, part.end - part.begin), rewritten);
    for_each_piece(cutting_.steps, all,
                   [&](std::string_view piece) { encode_piece(piece, scratch, ids); });
  }
  return ids;
}

void ByteLevelBpe::encode_piece(std::string_view piece, BpeScratch& scratch,
                                std::vector<int32_t>& ids) const {
  using State = WholePieces::State;
  const int32_t whole = piece.size() <= longest_token_bytes_ ? bytes_.find(piece) : -1;
  const State state = whole >= 0 ? whole_pieces_.get(whole) : State::kNo;
  if (state == State::kYes || (whole >= 0 && cutting_.whole_pieces_first)) {
    ids.push_back(whole);
    return;
  }
  merge_piece(piece, scratch);
  if (state == State::kUnknown) {
    whole_pieces_.set(whole, scratch.symbols.size() == 1 && scratch.symbols[0].id == whole);
  }
  for (const BpeSymbol& symbol : scratch.symbols) ids.push_back(symbol.id);
}

// Leaves the piece's tokens in scratch.symbols.
void ByteLevelBpe::merge_piece(std::string_view piece, BpeScratch& scratch) const {
  scratch.symbols.clear();
  for (uint32_t i = 0; i < piece.size(); ++i) {
    int32_t id = byte_tokens_[static_cast<unsigned char>(piece[i])];
    if (id < 0) id = unknown_;
    if (id >= 0) scratch.symbols.push_back({id, i, i + 1});
  }
  merge_symbols(scratch, [&](const BpeSymbol& left, const BpeSymbol& right) {
    return merges_.find(left.id, right.id);
  });
}

std::string ByteLevelBpe::token_bytes(int32_t id) const {
  return in_range(id) ? std::string(bytes_[id]) : std::string();
}

std::string_view ByteLevelBpe::token_name(int32_t id) const {
  return in_range(id) ? vocabulary_.name(id) : std::string_view();
}

std::optional<int32_t> ByteLevelBpe::find(std::string_view name) const {
  const int32_t id = vocabulary_.find(name);
  return id >= 0 ? std::optional<int32_t>(id) : std::nullopt;
}

bool ByteLevelBpe::is_control(int32_t id) const {
  return in_range(id) && vocabulary_.is_control(id);
}

std::string ByteLevelBpe::decode(std::span<const int32_t> ids) const {
  std::string out;
  for (int32_t id : ids) {
    if (in_range(id)) out += bytes_[id];
  }
  return out;
}

}  // namespace overtake
