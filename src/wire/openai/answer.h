// Answers of OpenAI's chat completions and completions.
#pragma once

#include <memory>

#include "wire/answer_writer.h"
#include "wire/call.h"

namespace overtake::openai {

// As wire::Dialect::make_writer.
std::unique_ptr<wire::AnswerWriter> make_chat_writer(const wire::Call& call,
                                                     wire::AnswerIdentity identity);
std::unique_ptr<wire::AnswerWriter> make_completion_writer(const wire::Call& call,
                                                           wire::AnswerIdentity identity);

}  // namespace overtake::openai
