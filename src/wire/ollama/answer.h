// Answers of Ollama's chat and generate, whole and as lines of JSON.
#pragma once

#include <memory>
#include <string>

#include "wire/answer_writer.h"
#include "wire/call.h"

namespace overtake::ollama {

// As wire::Dialect::make_writer.
std::unique_ptr<wire::AnswerWriter> make_chat_writer(const wire::Call& call,
                                                     wire::AnswerIdentity identity);
std::unique_ptr<wire::AnswerWriter> make_generate_writer(const wire::Call& call,
                                                         wire::AnswerIdentity identity);

// The answer to a request that only_loads; its one line, where it is a stream.
std::string load_answer(bool chat, const wire::AnswerIdentity& identity);

// "2026-01-31T12:00:00Z"
std::string utc_time(int64_t unix_s);

}  // namespace overtake::ollama
