// The parts of a Responses item: text, images, files, refusals.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "wire/base64.h"
#include "wire/openai/responses.h"

namespace overtake::openai {
namespace {

std::string required_string(wire::Fields& fields, std::string_view name) {
  auto text = fields.string(name);
  if (!text) fields.invalid(name, "expected a string");
  return std::move(text).value_or("");
}

// "data:image/png;base64,..." becomes bytes; any other URL is passed on.
ContentPart read_image(wire::Fields& fields) {
  if (fields.find("file_id")) {
    fields.unsupported("file_id", "no files are kept here; send image_url");
  }
  ImagePart image;
  image.url = required_string(fields, "image_url");
  image.detail = fields.string("detail").value_or("");
  image.extra = fields.extra({"type", "image_url", "detail", "file_id"});
  if (fields.ok() && image.url.empty()) {
    fields.invalid("image_url", "expected a URL or a data: URL");
  }
  if (auto data = wire::parse_data_url(image.url)) {
    image.media_type = std::move(data->media_type);
    image.bytes = std::move(data->bytes);
    image.url.clear();
  } else if (image.url.starts_with("data:")) {
    fields.invalid("image_url", "expected data:TYPE;base64,BYTES");
  }
  return image;
}

ContentPart read_file(wire::Fields& fields) {
  FilePart file;
  file.extra = fields.extra({"type", "file_id", "file_url", "file_data", "filename"});
  file.id = fields.string("file_id").value_or("");
  file.url = fields.string("file_url").value_or("");
  file.name = fields.string("filename").value_or("");
  const auto data = fields.string("file_data");
  if (!file.id.empty() + !file.url.empty() + data.has_value() != 1) {
    fields.invalid("file_data", "expected exactly one of file_data, file_url and file_id");
  } else if (data) {
    auto parsed = wire::parse_data_url(*data);
    if (!parsed) fields.invalid("file_data", "expected data:TYPE;base64,BYTES");
    if (parsed) file.media_type = std::move(parsed->media_type);
    if (parsed) file.bytes = std::move(parsed->bytes);
  }
  return file;
}

ContentPart read_text(wire::Fields& fields) {
  TextPart text{required_string(fields, "text")};
  text.signature = fields.string("signature").value_or("");
  text.extra = fields.extra({"type", "text", "annotations", "logprobs", "signature"});
  return text;
}

ContentPart read_part(wire::Fields& fields) {
  const std::string type = fields.string("type").value_or("");
  if (type == "input_text" || type == "output_text" || type == "text") return read_text(fields);
  if (type == "refusal") return RefusalPart{required_string(fields, "refusal")};
  if (type == "input_image") return read_image(fields);
  if (type == "input_file") return read_file(fields);
  fields.invalid("type", "expected input_text, output_text, refusal, input_image or input_file");
  return TextPart{};
}

}  // namespace

void read_item_parts(const Json& parts, const std::string& path, wire::Fields& fields,
                     std::vector<ContentPart>* out) {
  if (parts.is_string()) {
    out->push_back(TextPart{parts.get<std::string>()});
    return;
  }
  if (!parts.is_array()) {
    return fields.fail(
        wire::invalid_field(path, path + ": expected a string or an array of parts"));
  }
  for (size_t i = 0; i < parts.size() && fields.ok(); ++i) {
    const std::string at = fmt::format("{}[{}]", path, i);
    if (!parts[i].is_object()) {
      return fields.fail(wire::invalid_field(at, at + ": expected a content part (an object)"));
    }
    wire::Fields inner(parts[i], at + ".");
    out->push_back(read_part(inner));
    if (inner.error()) fields.fail(*inner.error());
  }
}

}  // namespace overtake::openai
