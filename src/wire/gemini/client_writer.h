// What the writers of Gemini's requests share.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "engine/generate_request.h"

namespace overtake::gemini {

// The path of a model on Google's servers, without a method; kNotFound for what is no model's name.
Result<std::string> model_path(std::string_view model);
Error cannot_say(std::string_view what, std::string_view instead);
// Whether the request came in this dialect, so that what only Google reads may go back to it.
bool is_own(const GenerateRequest& request);
// Members that came from this dialect go back into it, never over one that is written already.
Status merge_own(const GenerateRequest& request, const ExtraFields& extra, Json* into);
// Gemini 1 and 2: they take a budget for reasoning instead of a level, and want no signatures.
bool is_before_gemini_3(std::string_view model);

// systemInstruction and contents.
Status write_contents(const GenerateRequest& request, const ChatPrompt& chat, Json* body);
// tools and toolConfig.
Status write_tools(const GenerateRequest& request, const ChatPrompt& chat, Json* body);
// generationConfig.
Status write_config(const GenerateRequest& request, Json* body);

}  // namespace overtake::gemini
