// Whether the chat template is there, runs, keeps what people say, and begins a prompt once.
#include "token/chat_template.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "cli/fidelity.h"

namespace overtake {
namespace {

constexpr const char* kName = "chat template";
constexpr const char* kWords = "xyzzy plugh 4711";  // that no template writes by itself

struct Rendered {
  std::string text;
  std::string bos;
};

Result<Rendered> render(const FidelitySubject& subject, const ChatTemplate& parsed) {
  const Json messages = Json::array({{{"role", "user"}, {"content", kWords}}});
  Rendered out;
  std::string eos;
  if (const auto bos = subject.tokenizer->bos()) out.bos = subject.tokenizer->token_name(*bos);
  if (const auto ends = subject.tokenizer->end_tokens(); !ends.empty()) {
    eos = subject.tokenizer->token_name(ends[0]);
  }
  TemplateInput input;
  input.messages = &messages;
  input.bos_token = out.bos;
  input.eos_token = eos;
  out.text = TRY(parsed.render(input)).text;
  return out;
}

int count_at_start(std::string_view text, std::string_view word) {
  int n = 0;
  for (; !word.empty() && text.starts_with(word); ++n) text.remove_prefix(word.size());
  return n;
}

void check_beginning(const FidelityRun& run, const Rendered& rendered) {
  const int n = count_at_start(rendered.text, rendered.bos);
  const bool adds = run.subject.tokenizer->add_bos();
  if (n > 1) {
    return run.fault(kName, fmt::format("it writes {} {} times at the start", rendered.bos, n),
                     "get the makers' own template: models answer worse after a doubled one");
  }
  if (n == 1 && adds) {
    return run.ok(kName,
                  fmt::format("runs; {} stands once at the start: the template writes it, and "
                              "Overtake does not add the one that the file asks for "
                              "(add_bos_token), as some programs do",
                              rendered.bos));
  }
  if (n == 0 && adds) {
    return run.warn(
        kName, fmt::format("it writes no {}, with which this model's texts begin", rendered.bos),
        "as with transformers, a chat begins without it: compare with the makers' "
        "template");
  }
  run.ok(kName, n == 1 ? fmt::format("runs; {} stands once at the start", rendered.bos)
                       : "runs; the model's texts begin without a mark of their own");
}

void check(const FidelityRun& run) {
  const FidelitySubject& subject = run.subject;
  if (!subject.tokenizer) return;
  const std::string source = subject.chat_template();
  if (source.empty()) {
    return run.warn(kName, "none: the model continues texts, it does not chat",
                    "for a base model that is right; else get the instruction-tuned file, or one "
                    "that was converted with its template");
  }
  const Result<ChatTemplate> parsed = ChatTemplate::parse(source);
  if (!parsed.ok()) {
    return run.fault(kName, parsed.error().message, "get the makers' own template");
  }
  const Result<Rendered> rendered = render(subject, *parsed);
  if (!rendered.ok()) {
    return run.fault(kName, "it fails on \"one user says one thing\": " + rendered.error().message,
                     "get the makers' own template");
  }
  if (rendered->text.find(kWords) == std::string::npos) {
    return run.fault(kName, "it loses what the user says", "get the makers' own template");
  }
  check_beginning(run, *rendered);
}

}  // namespace

OVERTAKE_ENTRY(FidelityCheck, fidelity_chat_template) = {"chat template", 70, check};

}  // namespace overtake
