#include "token/hf_model.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "token/hf_json.h"
#include "token/hf_structure.h"
#include "token/pretokenizer.h"
#include "token/sentencepiece_text.h"

namespace overtake::hf {

Status read_dictionary(const Json& model, HfVocabulary* out) {
  const Json* vocab = field(model, "vocab");
  if (!vocab || !vocab->is_object()) {
    return damaged("no object \"vocab\" in \"model\"", out->file());
  }
  // In order of their ids, whatever the order of the file.
  std::vector<std::pair<int64_t, const std::string*>> tokens;
  tokens.reserve(vocab->size());
  for (const auto& [text, id] : vocab->get_ref<const Json::object_t&>()) {
    tokens.emplace_back(TRY(token_id(id, text, out->file())), &text);
  }
  std::sort(tokens.begin(), tokens.end());
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0 && tokens[i].first == tokens[i - 1].first) {
      return damaged(fmt::format("two tokens have id {}", tokens[i].first), out->file());
    }
    TRY(out->put(tokens[i].first, *tokens[i].second, TokenType::kNormal, 0));
  }
  return {};
}

Status set_unknown(const Json& model, HfVocabulary* vocabulary, Metadata* metadata) {
  const auto unknown = TRY(find_string(model, "unk_token", vocabulary->file()));
  if (!unknown) return {};
  const int64_t id = vocabulary->find(*unknown);
  if (id < 0) return {};
  vocabulary->set_type(id, TokenType::kUnknown);
  metadata->set("tokenizer.ggml.unknown_token_id", static_cast<uint64_t>(id));
  return {};
}

namespace {

Status read_added(const Json& json, HfVocabulary* out) {
  const Json* added = field(json, "added_tokens");
  if (!added) return {};
  if (!added->is_array()) return damaged("\"added_tokens\" is not an array", out->file());
  for (const Json& entry : *added) {
    const Json* id = field(entry, "id");
    if (!id) return damaged("an added token without id", out->file());
    TRY(out->put_added(TRY(token_id(*id, "id of an added token", out->file())), entry));
  }
  return {};
}

// Each merge as "left right", the form of GGUF files: there the first space parts the two, so a
// left part with a space in it cannot be said.
Result<std::vector<std::string>> read_merges(const Json& model, std::string_view file) {
  const Json* merges = field(model, "merges");
  if (!merges || !merges->is_array()) return damaged("no array \"merges\" in \"model\"", file);
  std::vector<std::string> out;
  out.reserve(merges->size());
  for (const Json& merge : *merges) {
    if (merge.is_string()) {
      out.push_back(merge.get<std::string>());
    } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
               merge[1].is_string()) {
      const auto& left = merge[0].get_ref<const std::string&>();
      if (left.empty() || left.find(' ', 1) != left.npos) {
        return unsupported(fmt::format("the merge of \"{}\", which has a space", escaped(left)),
                           file);
      }
      out.push_back(left + ' ' + merge[1].get<std::string>());
    } else {
      return damaged("a merge is no pair of strings", file);
    }
  }
  return out;
}

// What of a BPE model neither GGUF files nor we can say.
Status check_bpe(const Json& model, std::string_view file) {
  for (const char* name : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    const auto value = TRY(find_string(model, name, file));
    if (value && !value->empty()) {
      return unsupported(fmt::format("BPE with {} \"{}\"", name, escaped(*value)), file);
    }
  }
  const Json* dropout = field(model, "dropout");
  if (dropout && !(dropout->is_number() && dropout->get<double>() == 0)) {
    return unsupported(fmt::format("BPE with dropout {}", escaped(dump_json(*dropout))), file);
  }
  return {};
}

Status read_byte_level(const Json& model, const Structure& structure, HfVocabulary* vocabulary,
                       Metadata* metadata) {
  metadata->set("tokenizer.ggml.model", std::string("gpt2"));
  const bool whole_first = TRY(bool_or(model, "ignore_merges", false, vocabulary->file()));
  const PreTokenizer* pre = find_pretokenizer(structure.pre, whole_first);
  if (pre) {
    metadata->set("tokenizer.ggml.pre", std::string(pre->names[0]));
  } else {
    TRY(find_steps(structure.pre, vocabulary->file()));
    metadata->set("tokenizer.ggml.pre", std::string(kPreTokenizerOfSteps));
    metadata->set("overtake.tokenizer.steps", structure.pre);
  }
  if (!pre || pre->whole_pieces_first != whole_first) {
    metadata->set("overtake.tokenizer.whole_pieces_first", whole_first);
  }
  const std::vector<std::string> usual =
      pre ? std::vector<std::string>(pre->normalizer.begin(), pre->normalizer.end())
          : std::vector<std::string>();
  if (structure.normalizer != usual) {
    metadata->set("overtake.tokenizer.normalizer", structure.normalizer);
  }
  metadata->set("tokenizer.ggml.merges", TRY(read_merges(model, vocabulary->file())));
  return set_unknown(model, vocabulary, metadata);
}

// SentencePiece's BPE, as transformers writes it: spaces become U+2581, in the normalizer or in a
// Metaspace, and one goes before the text.
Result<std::string> space_prefix(const Structure& structure, std::string_view file) {
  std::vector<std::string> steps = structure.normalizer;
  steps.insert(steps.end(), structure.pre.begin(), structure.pre.end());
  const std::string prepend = "Prepend " + std::string(kVisibleSpace);
  const std::string replace = "Replace string  \t" + std::string(kVisibleSpace);
  const std::vector<std::string> llama = {prepend, replace};
  const std::vector<std::string> gemma = {replace};
  const std::vector<std::string> gemma_split = {replace, "Split mergedwithprevious string  "};
  if (steps == llama) return std::string("always");
  if (steps == gemma || steps == gemma_split) return std::string("never");
  if (steps.size() == 1 && steps[0].starts_with("Metaspace ")) {
    const bool split = steps[0].ends_with(" split");
    const std::string scheme = steps[0].substr(10, steps[0].size() - 10 - (split ? 6 : 0));
    // Words are cut before each U+2581 then, even in runs of them.
    if (!split) return scheme == "always" ? "unless_space" : scheme == "first" ? "first" : scheme;
  }
  std::string all;
  for (const std::string& step : steps) all += (all.empty() ? "" : ", ") + step;
  return unsupported(fmt::format("SentencePiece BPE with the steps [{}]", escaped(all)), file);
}

// A token's score is the place of the first merge that makes it, so that those who go by scores
// merge in the same order.
Status read_spm(const Json& model, const Structure& structure, HfVocabulary* vocabulary,
                Metadata* metadata) {
  const std::string& file = vocabulary->file();
  if (TRY(bool_or(model, "ignore_merges", false, file))) {
    return unsupported("SentencePiece BPE with ignore_merges", file);
  }
  const std::string prefix = TRY(space_prefix(structure, file));
  metadata->set("tokenizer.ggml.model", std::string("llama"));
  metadata->set("tokenizer.ggml.pre", std::string("default"));
  metadata->set("tokenizer.ggml.add_space_prefix", prefix != "never");
  if (prefix != "always" && prefix != "never") {
    metadata->set("overtake.tokenizer.space_prefix", prefix);
  }
  metadata->set("overtake.tokenizer.fuse_unknown", TRY(bool_or(model, "fuse_unk", false, file)));
  std::vector<std::string> merges = TRY(read_merges(model, file));
  for (size_t i = merges.size(); i-- > 0;) {
    const size_t space = merges[i].find(' ', 1);
    if (space == std::string::npos) return damaged("a merge is no pair", file);
    const int64_t id = vocabulary->find(merges[i].substr(0, space) + merges[i].substr(space + 1));
    if (id >= 0) vocabulary->set_score(id, -1.0 - static_cast<double>(i));
  }
  metadata->set("tokenizer.ggml.merges", std::move(merges));
  if (TRY(bool_or(model, "byte_fallback", false, file))) {
    for (int byte = 0; byte < 256; ++byte) {
      const int64_t id = vocabulary->find(fmt::format("<0x{:02X}>", byte));
      if (id >= 0) vocabulary->set_type(id, TokenType::kByte);
    }
  }
  return set_unknown(model, vocabulary, metadata);
}

Status read_bpe(const Json& model, const Structure& structure, HfVocabulary* vocabulary,
                Metadata* metadata) {
  TRY(check_bpe(model, vocabulary->file()));
  TRY(read_dictionary(model, vocabulary));
  const bool byte_level =
      std::any_of(structure.pre.begin(), structure.pre.end(),
                  [](const std::string& step) { return step.starts_with("ByteLevel"); });
  return byte_level ? read_byte_level(model, structure, vocabulary, metadata)
                    : read_spm(model, structure, vocabulary, metadata);
}

// Whether a text gets BOS and EOS by the post-processor; what tokenizer_config.json says counts
// more.
Status read_post_processor(const Json* processor, int depth, const HfVocabulary& vocabulary,
                           Metadata* metadata) {
  if (!processor || depth > 4) return {};
  const std::string& file = vocabulary.file();
  const std::string type = TRY(find_string(*processor, "type", file)).value_or("");
  if (type == "Sequence") {
    const Json* all = field(*processor, "processors");
    if (!all || !all->is_array()) return damaged("a Sequence without \"processors\"", file);
    for (const Json& one : *all) TRY(read_post_processor(&one, depth + 1, vocabulary, metadata));
    return {};
  }
  if (type == "BertProcessing" || type == "RobertaProcessing") {
    metadata->set("tokenizer.ggml.add_bos_token", true);
    metadata->set("tokenizer.ggml.add_eos_token", true);
    return {};
  }
  const Json* single = field(*processor, "single");
  if (type != "TemplateProcessing" || !single || !single->is_array() || single->empty()) return {};
  const auto is_special = [](const Json& piece) { return field(piece, "SpecialToken") != nullptr; };
  metadata->set("tokenizer.ggml.add_bos_token", is_special(single->front()));
  metadata->set("tokenizer.ggml.add_eos_token", is_special(single->back()));
  return {};
}

}  // namespace

Status read_tokenizer_json(const Json& json, HfVocabulary* vocabulary, Metadata* metadata) {
  const std::string& file = vocabulary->file();
  const Json* model = field(json, "model");
  if (!model || !model->is_object()) return damaged("no object \"model\"", file);
  Structure structure;
  structure.pre = TRY(pretokenizer_steps(field(json, "pre_tokenizer"), file));
  structure.normalizer =
      TRY(normalizer_steps(field(json, "normalizer"), file, &structure.charsmap));
  std::string type = TRY(find_string(*model, "type", file)).value_or("");
  if (type.empty() && field(*model, "merges")) type = "BPE";
  if (type == "BPE") {
    TRY(read_bpe(*model, structure, vocabulary, metadata));
  } else if (type == "Unigram") {
    TRY(read_unigram(*model, structure, vocabulary, metadata));
  } else if (type == "WordPiece") {
    TRY(read_word_piece(*model, structure, vocabulary, metadata));
  } else {
    return unsupported(fmt::format("unknown tokenizer model \"{}\"", escaped(type)), file);
  }
  TRY(read_added(json, vocabulary));
  if (type == "WordPiece") mark_word_beginnings(vocabulary);
  return read_post_processor(field(json, "post_processor"), 0, *vocabulary, metadata);
}

}  // namespace overtake::hf
