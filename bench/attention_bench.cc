// One layer's attention at a depth: prefill of a chunk as TFLOPS and as a share of the same
// machine's f32 peak, decode as GB/s of keys and values and as a share of what memory yields.
#include <benchmark/benchmark.h>
#include <fmt/core.h>

#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "tensor/cpu/arena.h"
#include "tensor/cpu/cpu_attention.h"
#include "tensor/cpu/machine_limits.h"

namespace overtake {
namespace {

struct Shape {
  const char* name;
  int n_heads;
  int n_kv_heads;
  int head_dim;
  KvType type = KvType::kF16;

  int64_t row_size() const { return int64_t{n_heads + 2 * n_kv_heads} * head_dim; }
  int64_t out_size() const { return int64_t{n_heads} * head_dim; }
  KvShape kv(int n_layers) const { return {n_layers, n_kv_heads, head_dim, type}; }
};

struct Machine {
  ThreadPool pool{default_thread_count()};
  Isa isa = choose_isa().value();
  MachineLimits limits = limits_of(measure_peaks(pool, isa, PeakSet::kBest),
                                   measure_read(pool, isa, size_t{256} << 20).value());

  double read_gb_s() const { return limits.read.bytes_s / 1e9; }
  // Of what prompts are multiplied by.
  double tflops() const {
    const MultiplyKind kind = prompt_kernels_for(isa) ? MultiplyKind::kBf16 : MultiplyKind::kF32;
    return limits.peak[static_cast<size_t>(kind)].operations_s / 1e12;
  }
};

Machine& machine() {
  static Machine instance;
  return instance;
}

// Layers enough that no step finds the last one's keys in a cache; pages then lie as far apart as a
// model's.
int layers_for(const Shape& shape, int64_t depth) {
  constexpr int64_t kWorkingSet = int64_t{1} << 30;
  const int64_t layer = depth * static_cast<int64_t>(shape.kv(1).page_bytes()) / kPageTokens;
  return static_cast<int>(std::clamp<int64_t>(kWorkingSet / layer, 2, 32));
}

std::vector<float> random_rows(int64_t n) {
  std::vector<float> rows(static_cast<size_t>(n));
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  for (float& value : rows) value = normal(random);
  return rows;
}

// One sequence of `depth` tokens in all layers, whose keys and values are small random f16, or so
// scaled.
class Deep {
 public:
  Deep(const Shape& shape, int64_t depth, int64_t rows, int n_layers)
      : kv_(shape.kv(n_layers)), pages_(kv_, (depth + rows) / kPageTokens + 1), state_(pages_) {
    std::mt19937 random(2);
    std::vector<uint16_t> halves(kv_.page_bytes() / 2);
    // Sign, exponents of 1/8 to 2, any fraction; for scales of numbers up to 127, 1/128 of that.
    const uint32_t least = shape.type == KvType::kQ8_0 ? 5 : 12;
    for (uint16_t& half : halves) {
      half = static_cast<uint16_t>((random() & 0x83ff) | (least + random() % 4) << 10);
    }
    if (!state_.reserve(depth + rows).ok()) std::abort();
    for (int64_t p = 0; p < depth; p += kPageTokens) {
      std::memcpy(state_.page(p), halves.data(), kv_.page_bytes());
    }
    state_.commit(depth);
  }
  SequenceState& state() { return state_; }

 private:
  KvShape kv_;
  StatePool pages_;
  SequenceState state_;
};

void run_attention(benchmark::State& bench, const Shape& shape) {
  const int64_t rows = bench.range(0), depth = bench.range(1);
  const int n_layers = layers_for(shape, depth);
  Deep deep(shape, depth, rows, n_layers);
  Arena arena;
  ThreadPool& pool = machine().pool;
  CpuAttention attention(pool, machine().isa, arena, true);
  std::vector<float> qkv = random_rows(rows * shape.row_size());
  std::vector<float> out(static_cast<size_t>(rows * shape.out_size()));
  std::vector<int64_t> positions(static_cast<size_t>(rows));
  for (size_t i = 0; i < positions.size(); ++i) positions[i] = depth + static_cast<int64_t>(i);
  const std::vector<int32_t> ids(positions.size());
  const Segment segment = {&deep.state(), 0, rows, depth + rows,
                           rows > 1 ? Phase::kPrefill : Phase::kDecode};
  const Batch batch = {ids, positions, {&segment, 1}, {}};
  const AttentionSpec spec = {.n_heads = shape.n_heads,
                              .n_kv_heads = shape.n_kv_heads,
                              .head_dim = shape.head_dim,
                              .scale = 1.0f / std::sqrt(static_cast<float>(shape.head_dim))};
  int layer = 0;
  const auto attend = [&] {
    arena.reset();
    attention.begin(batch);
    attention.run({qkv.data(), rows, shape.row_size(), shape.row_size()}, spec, layer++ % n_layers,
                  {out.data(), rows, shape.out_size(), shape.out_size()});
  };
  attend();
  for (auto _ : bench) attend();
  using benchmark::Counter;
  const double n = static_cast<double>(bench.iterations());
  const double seen = static_cast<double>(rows) *
                      (static_cast<double>(depth) + 0.5 * (static_cast<double>(rows) + 1));
  const double flops = 4.0 * seen * static_cast<double>(shape.out_size());
  const double gb = static_cast<double>(depth + rows) *
                    static_cast<double>(shape.kv(1).page_bytes()) / kPageTokens / 1e9;
  bench.counters["TFLOPS"] = Counter(flops * n / 1e12, Counter::kIsRate);
  bench.counters["peak_share"] = Counter(flops * n / 1e12 / machine().tflops(), Counter::kIsRate);
  bench.counters["GB/s"] = Counter(gb * n, Counter::kIsRate);
  bench.counters["read_share"] = Counter(gb * n / machine().read_gb_s(), Counter::kIsRate);
}

void register_benches() {
  constexpr Shape kShapes[] = {{"smollm2", 9, 3, 64},
                               {"llama1b", 32, 4, 64},
                               {"llama7b", 32, 32, 128},
                               {"falcon7b", 71, 1, 64}};
  for (const KvType type : {KvType::kF16, KvType::kQ8_0}) {
    for (Shape shape : kShapes) {
      shape.type = type;
      const std::string name = fmt::format("attention/{}/{}", shape.name, kv_type_name(type));
      benchmark::RegisterBenchmark(name.c_str(), run_attention, shape)
          ->ArgNames({"rows", "depth"})
          ->Args({1, 16384})
          ->Args({512, 512})
          ->Args({512, 8192})
          ->Args({512, 16384})
          ->UseRealTime()
          ->Unit(benchmark::kMillisecond);
    }
  }
}

}  // namespace
}  // namespace overtake

int main(int argc, char** argv) {
  overtake::register_benches();
  benchmark::Initialize(&argc, argv);
  const overtake::Machine& machine = overtake::machine();
  benchmark::AddCustomContext("isa", std::string(overtake::isa_name(machine.isa)));
  benchmark::AddCustomContext("threads", fmt::format("{}", machine.pool.n_threads()));
  benchmark::AddCustomContext("read_gb_s", fmt::format("{:.1f}", machine.read_gb_s()));
  benchmark::RunSpecifiedBenchmarks();
}
