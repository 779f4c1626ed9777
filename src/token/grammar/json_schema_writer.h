// SchemaWriter: a JSON schema while it becomes a grammar.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "token/grammar/json_grammar.h"
#include "token/grammar/json_schema.h"
#include "token/grammar/json_schema_parts.h"

namespace overtake {

class SchemaWriter {
 public:
  SchemaWriter(GrammarBuilder& builder, const Json& root, const JsonSchemaOptions& options)
      : builder_(builder), options_(options), reader_(root), json_(builder) {}

  Result<RuleId> write_root(const Json& schema);

 private:
  // What `schemas` allow together; `path` is for messages.
  Result<ExprId> write(const std::vector<Json>& schemas, const std::string& path);
  Result<ExprId> write_parts_of(const std::vector<Json>& schemas, const std::string& path);
  Status write_pending();
  Result<ExprId> write_ref(const std::string& ref, const std::string& path);
  Result<ExprId> write_parts(SchemaParts parts, const std::string& path);
  Result<ExprId> write_branches(SchemaParts parts, size_t place, const char* keyword,
                                const std::string& path);
  Result<ExprId> write_values(SchemaParts parts, const std::string& path);
  Result<ExprId> write_types(const SchemaParts& parts, const std::string& path);
  Status check_held(const SchemaParts& parts, const std::string& path) const;
  Error unheld(std::string_view what, std::string_view path) const;

  // ---- oneOf: whether no text written by `a` is valid by `b`
  Result<bool> excludes(const Json& a, const Json& b, const SchemaParts& common,
                        const std::string& path) const;

  // ---- by type
  Result<ExprId> write_number(const SchemaParts& parts, bool integer, const std::string& path);
  Result<ExprId> write_integer_between(const SchemaParts& parts, int64_t least, int64_t most,
                                       const std::string& path);
  Result<ExprId> write_string(const SchemaParts& parts, const std::string& path);
  Result<ExprId> write_array(const SchemaParts& parts, const std::string& path);

  // ---- objects (json_schema_object.cc)
  struct Member {
    std::string key;
    std::vector<Json> schemas;
    bool required = false;
  };
  struct Extra {  // members that are not declared by name
    ExprId key;
    ExprId value;
  };
  Result<ExprId> write_object(const SchemaParts& parts, const std::string& path);
  Result<std::vector<Member>> members_of(const SchemaParts& parts, const std::string& path);
  Result<std::vector<Json>> schemas_of_key(const SchemaParts& parts, const std::string& key,
                                           bool& allowed);
  Result<std::vector<Extra>> extras_of(const SchemaParts& parts, const std::vector<Member>& members,
                                       const std::string& path);
  Result<std::optional<Extra>> pattern_extra(const SchemaParts& parts, ExprId others,
                                             const std::vector<std::string>& patterns,
                                             unsigned mask, const std::string& path);
  Result<ExprId> write_members(const std::vector<Member>& members, const std::vector<Extra>& extras,
                               const std::string& path);
  Result<ExprId> key_chars(const SchemaParts& parts, const std::vector<Member>& members,
                           const std::string& path);
  Result<bool> matches(const std::string& pattern, const std::string& key);

  // Counts: minItems and such. The greatest of the least ones, the least of the greatest ones.
  struct Counts {
    int64_t min = 0;
    int64_t max = -1;
  };
  Result<Counts> counts_of(const SchemaParts& parts, const char* min, const char* max,
                           const std::string& path) const;
  // Texts within a JSON string that a pattern matches.
  Result<ExprId> pattern_chars(const std::string& pattern, const std::string& path);

  GrammarBuilder& builder_;
  const JsonSchemaOptions options_;
  SchemaReader reader_;
  JsonGrammar json_;
  std::map<std::string, RuleId> refs_, merged_;
  struct Pending {
    RuleId rule;
    std::vector<Json> schemas;
    std::string path;
  };
  std::vector<Pending> pending_;
  int n_written_ = 0;
  int depth_ = 0;
};

// Texts of the formats that are held; empty for others, which are notes.
std::string_view format_pattern(std::string_view format);

}  // namespace overtake
