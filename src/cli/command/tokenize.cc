// `overtake tokenize`: the ids that a model's tokenizer makes of a text.
#include <fmt/core.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "catalog/store.h"
#include "cli/command.h"
#include "cli/standard_input.h"
#include "cli/terminal.h"
#include "format/checkpoint.h"
#include "token/tokenizer.h"

namespace overtake {
namespace {

constexpr uint64_t kMaxTextBytes = 1u << 30;

struct Options {
  std::string model;
  std::string text;
  bool has_text = false;
  bool ids_only = false;
  bool special = false;
  bool as_json = false;
};

void print_ids(const std::vector<int32_t>& ids) {
  std::string line;
  for (const int32_t id : ids) line += fmt::format("{}{}", line.empty() ? "" : " ", id);
  fmt::print("{}\n", line);
}

void print_json(const Tokenizer& tokenizer, const std::vector<int32_t>& ids) {
  Json json = {{"n_tokens", ids.size()}, {"ids", ids}, {"tokens", Json::array()}};
  for (const int32_t id : ids) {
    json["tokens"].push_back({{"id", id},
                              {"name", tokenizer.token_name(id)},
                              {"text", tokenizer.token_bytes(id)},
                              {"control", tokenizer.is_control(id)}});
  }
  fmt::print("{}\n", dump_json(json, 2));
}

// A token's bytes as a C string; in hexadecimal what is no text of its own.
std::string c_string(std::string_view bytes) {
  Utf8Stream stream;
  const bool is_text = stream.push(bytes) == bytes && stream.finish().empty();
  std::string out = "\"";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !is_text)) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return printable(out + '"');
}

void print_pieces(const Tokenizer& tokenizer, const std::vector<int32_t>& ids) {
  std::string out;
  for (const int32_t id : ids) {
    out += fmt::format("{:>8}  {}\n", id,
                       tokenizer.is_control(id) ? printable(tokenizer.token_name(id))
                                                : c_string(tokenizer.token_bytes(id)));
  }
  fmt::print("{}", out);
}

// A folder needs no weights to tell tokens.
Result<std::unique_ptr<Tokenizer>> load_tokenizer(const std::string& model) {
  std::error_code ignored;
  const auto resolved = resolve_model(model);
  const std::string path = resolved.ok() ? resolved->path : model;
  if (std::filesystem::is_directory(path, ignored)) return Tokenizer::load_folder(path);
  if (!resolved.ok()) return resolved.error();
  return Tokenizer::load(*TRY(open_checkpoint(path)));
}

Result<int> run(const Options& options) {
  const bool from_input = !options.has_text || options.text == "-";
  const std::unique_ptr<Tokenizer> tokenizer = TRY(load_tokenizer(options.model));
  const std::string text = from_input ? TRY(read_standard_input(kMaxTextBytes)) : options.text;
  const std::vector<int32_t> ids =
      options.special ? tokenizer->encode_trusted(text) : tokenizer->encode_user(text);
  if (options.as_json) {
    print_json(*tokenizer, ids);
  } else if (options.ids_only) {
    print_ids(ids);
  } else {
    print_pieces(*tokenizer, ids);
  }
  return kExitDone;
}

std::function<Result<int>()> setup(CommandLine& line) {
  auto options = std::make_shared<Options>();
  line.add("MODEL", options->model,
           "A name in the store, a file, or a folder; a vocabulary is enough")
      .required();
  const Option text = line.add("TEXT", options->text,
                               "The text, every byte of it; - or nothing: standard input. Put -- "
                               "before a text that begins with a dash");
  line.flag("--ids", options->ids_only, "Print the ids alone, with spaces between");
  line.flag("--special", options->special,
            "Take control tokens such as <|im_end|> in the text for what they are");
  line.flag("--json", options->as_json, "Print JSON");
  return [options, text] {
    options->has_text = text.given();
    return run(*options);
  };
}

}  // namespace

OVERTAKE_ENTRY(Command, command_tokenize) = {"tokenize", "The token ids of a text", 41, setup};

}  // namespace overtake
