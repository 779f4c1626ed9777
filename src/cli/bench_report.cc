#include "cli/bench_report.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <vector>

namespace overtake {
namespace {

using enum Table::Align;
constexpr int kBarWidth = 20;

double tera(const InstructionPeak& peak) { return peak.operations_s / 1e12; }
const InstructionPeak& peak_of(const MachineLimits& limits, MultiplyKind kind) {
  return limits.peak[static_cast<size_t>(kind)];
}

Json limits_members(const MachineLimits& limits) {
  const InstructionPeak& int8 = peak_of(limits, MultiplyKind::kInt8);
  const InstructionPeak& bf16 = peak_of(limits, MultiplyKind::kBf16);
  const InstructionPeak& f32 = peak_of(limits, MultiplyKind::kF32);
  return {{"read_gb_s", limits.read.bytes_s / 1e9},
          {"int8_tops", tera(int8)},
          {"bf16_tflops", tera(bf16)},
          {"f32_tflops", tera(f32)},
          {"read_bytes", limits.read.n_bytes},
          {"instructions",
           {{"int8", int8.instruction}, {"bf16", bf16.instruction}, {"f32", f32.instruction}}}};
}

// The member of `limits` that binds.
std::string bound_name(const Bound& bound) {
  if (bound.by_reading) return "read_gb_s";
  return fmt::format("{}_{}", kind_name(bound.kind),
                     bound.kind == MultiplyKind::kInt8 ? "tops" : "tflops");
}

Json phase_json(const std::optional<BenchPhase>& phase) {
  if (!phase) return nullptr;
  return {{"n", phase->n},
          {"tokens_per_s", phase->median},
          {"spread", phase->spread},
          {"share", phase->share},
          {"bound_by", bound_name(phase->bound)},
          {"operations", phase->work.operations()},
          {"bytes", phase->work.bytes},
          {"cached", phase->n_cached},
          {"samples", phase->tokens_s}};
}

std::string rate(double operations_s, MultiplyKind kind) {
  return fmt::format("{:.2f} {}", operations_s / 1e12,
                     kind == MultiplyKind::kInt8 ? "TOPS" : "TFLOPS");
}

std::string bar(double share, const Colors& colors) {
  const int filled = static_cast<int>(share * kBarWidth + 0.5);
  std::string out(colors.green);
  for (int i = 0; i < kBarWidth; ++i) {
    if (i == filled) out += fmt::format("{}{}", colors.reset, colors.dim);
    out += i < filled ? "█" : "░";
  }
  return out + std::string(colors.reset);
}

std::string bound_text(const Bound& bound, const MachineLimits& limits) {
  if (bound.by_reading) {
    return fmt::format("of {:.1f} GB/s, reading", limits.read.bytes_s / 1e9);
  }
  const InstructionPeak& peak = peak_of(limits, bound.kind);
  return fmt::format("of {} {} ({})", rate(peak.operations_s, bound.kind), kind_name(bound.kind),
                     peak.instruction);
}

void add_phase(Table& table, const char* name, const std::optional<BenchPhase>& phase,
               const BenchResult& result, const Colors& colors) {
  if (!phase) return;
  table.add({name, with_commas(static_cast<uint64_t>(phase->n)),
             fmt::format("{}{:.1f}{}", colors.bold, phase->median, colors.reset),
             fmt::format("{:.1f} %", phase->spread * 100), bar(phase->share, colors),
             fmt::format("{:.1f} %", phase->share * 100), bound_text(phase->bound, result.limits)});
}

std::string heading(const BenchResult& result, const Colors& colors) {
  std::string out =
      fmt::format("{}{}{}  {}, {}, {} threads", colors.bold, printable(result.model), colors.reset,
                  human_bytes(result.file_bytes), result.isa, result.n_threads);
  if (result.plan.depth > 0) {
    out += fmt::format(", after {} tokens", with_commas(static_cast<uint64_t>(result.plan.depth)));
  }
  if (result.plan.n_sequences > 1) {
    out += fmt::format(", {} sequences together", result.plan.n_sequences);
  }
  if (result.kv_type == KvType::kQ8_0) out += ", keys and values in q8_0";
  return out + "\n";
}

}  // namespace

Json bench_json(const BenchResult& result) {
  return {{"model", result.model},
          {"architecture", result.arch},
          {"file_bytes", result.file_bytes},
          {"weight_bytes", result.weight_bytes},
          {"isa", result.isa},
          {"kv_cache_type", result.kv_type ? Json(kv_type_name(*result.kv_type)) : Json()},
          {"threads", result.n_threads},
          {"depth", result.plan.depth},
          {"batch", result.plan.n_sequences},
          {"repeats", result.repeats},
          {"load_s", result.load_s},
          {"first_token_s", result.first_token_s},
          {"rest_rss_bytes", result.rest_bytes},
          {"peak_rss_bytes", result.peak_bytes},
          {"check", {{"mean_kl", result.check.mean_kl}, {"bound", result.check.bound}}},
          {"limits", limits_members(result.limits)},
          {"prefill", phase_json(result.prefill)},
          {"decode", phase_json(result.decode)}};
}

std::string bench_text(const BenchResult& result, const Colors& colors) {
  std::string out = heading(result, colors);
  Table table({kLeft, kRight, kRight, kRight, kLeft, kRight, kLeft});
  const auto dim = [&](const char* text) {
    return fmt::format("{}{}{}", colors.dim, text, colors.reset);
  };
  table.add({"", dim("tokens"), dim("tokens/s"), dim("spread"), dim("share of the limit")});
  add_phase(table, "prefill", result.prefill, result, colors);
  add_phase(table, "decode", result.decode, result, colors);
  out += table.text(2);
  out += fmt::format(
      "  {}medians of {}; spread: (largest - smallest) / median; checked before: one pass and "
      "token "
      "by token, KL {:.1e}{}\n",
      colors.dim, result.repeats, result.check.mean_kl, colors.reset);
  out += fmt::format("  load {:.2f} s, first token {:.2f} s, memory at rest {}, at most {}\n",
                     result.load_s, result.first_token_s, human_bytes(result.rest_bytes),
                     human_bytes(result.peak_bytes));
  return out;
}

Json limits_json(const MachineLimits& limits, const std::string& isa, int n_threads) {
  Json all = Json::array();
  for (const InstructionPeak& peak : limits.all) {
    all.push_back({{"isa", isa_name(peak.isa)},
                   {"instruction", peak.instruction},
                   {"multiplies", kind_name(peak.kind)},
                   {"tera_operations_s", tera(peak)},
                   {"used", peak.used}});
  }
  return {{"isa", isa},
          {"threads", n_threads},
          {"limits", limits_members(limits)},
          {"instructions", std::move(all)}};
}

std::string limits_text(const MachineLimits& limits, int n_threads, const Colors& colors) {
  Table table({kLeft, kLeft, kLeft, kRight, kLeft});
  const auto dim = [&](const std::string& text) {
    return fmt::format("{}{}{}", colors.dim, text, colors.reset);
  };
  for (const InstructionPeak& peak : limits.all) {
    table.add({std::string(isa_name(peak.isa)), std::string(peak.instruction),
               std::string(kind_name(peak.kind)), rate(peak.operations_s, peak.kind),
               peak.used ? "" : dim("no kernel uses it")});
  }
  return fmt::format("{}{} threads{}, best of several runs\n\n{}\n  read  {:.1f} GB/s  {}\n",
                     colors.bold, n_threads, colors.reset, table.text(2), limits.read.bytes_s / 1e9,
                     dim(fmt::format("a buffer of {}", human_bytes(limits.read.n_bytes))));
}

}  // namespace overtake
