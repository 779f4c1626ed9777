// The matrix product at the shapes of SmolLM2-135M (Q4_1) and of a 1.1B Llama (Q4_K, Q6_K): GB/s of
// packed weights at few rows, TOPS at many, and the share of what this machine can do. Weights are
// as many copies as do not fit a cache, used in turn, as the layers of a model are.
#include <benchmark/benchmark.h>
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "tensor/cpu/machine_limits.h"
#include "tensor/cpu/matmul.h"

namespace overtake {
namespace {

constexpr size_t kWorkingSet = size_t{200} << 20;

struct Shape {
  const char* type;
  int64_t n_out;
  int64_t n_in;
  bool prompt = false;  // as rows of prompts are multiplied
};

struct Machine {
  ThreadPool pool{default_thread_count()};
  Isa isa = choose_isa().value();
  MachineLimits limits = limits_of(measure_peaks(pool, isa, PeakSet::kBest),
                                   measure_read(pool, isa, kWorkingSet).value());

  double read_gb_s() const { return limits.read.bytes_s / 1e9; }
  double int8_tops() const {
    return limits.peak[static_cast<size_t>(MultiplyKind::kInt8)].operations_s / 1e12;
  }
};

Machine& machine() {
  static Machine instance;
  return instance;
}

// Random blocks that decode to moderate numbers: a few good ones, repeated.
std::vector<std::byte> random_blocks(const QuantType& type, int64_t n_elements) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  constexpr size_t kDistinct = 61;
  std::vector<std::byte> good;
  std::vector<std::byte> block(static_cast<size_t>(type.block_bytes));
  std::vector<float> values(static_cast<size_t>(type.block));
  while (good.size() < kDistinct * block.size()) {
    if (type.encode) {
      for (float& x : values) x = normal(random);
      type.encode(values.data(), block.data(), type.block);
    } else {
      for (std::byte& b : block) b = static_cast<std::byte>(random());
      type.decode(block.data(), values.data(), type.block);
    }
    const bool fine =
        std::ranges::all_of(values, [](float x) { return std::isfinite(x) && std::abs(x) < 4; });
    if (fine) good.insert(good.end(), block.begin(), block.end());
  }
  std::vector<std::byte> out(static_cast<size_t>(type.row_bytes(n_elements)));
  for (size_t i = 0; i < out.size(); ++i) out[i] = good[i % good.size()];
  return out;
}

// The first and last outputs of the last row against f64 and the bound of quantized activations.
bool is_right(const StoredTensor& w, const std::vector<float>& x, const Tensor& y) {
  std::vector<float> row(static_cast<size_t>(w.n_cols()));
  const float* last_x = x.data() + x.size() - row.size();
  for (const int64_t j : {int64_t{0}, w.n_rows() - 1}) {
    w.type->decode(w.row_bytes(j).data(), row.data(), w.n_cols());
    double exact = 0, bound = 1e-3;
    for (size_t k = 0; k < row.size(); ++k) {
      exact += double{row[k]} * last_x[k];
      bound += std::abs(row[k]) * 5.0 / 127;  // half a step of 32 numbers that stay within 5 or so
    }
    if (!(std::abs(y.row(y.rows - 1)[j] - exact) <= bound)) return false;
  }
  return true;
}

void run_matmul(benchmark::State& state, const Shape& shape) {
  const int64_t n_rows = state.range(0);
  const QuantType& type = *find_quant_type(shape.type);
  const auto bytes = random_blocks(type, shape.n_out * shape.n_in);
  const StoredTensor stored = {"bench", &type, {shape.n_out, shape.n_in}, bytes};
  const RowSpan span = {&stored, 0, shape.n_out};
  ThreadPool& pool = machine().pool;
  std::vector<std::unique_ptr<Weight>> weights;
  const size_t n_copies = n_rows > 16 ? 2 : std::max<size_t>(kWorkingSet / bytes.size(), 2);
  while (weights.size() < n_copies) {
    weights.push_back(pack_cpu_weight({&span, 1}, machine().isa, pool).value());
  }
  std::vector<float> x(static_cast<size_t>(n_rows * shape.n_in));
  std::vector<float> y_data(static_cast<size_t>(n_rows * shape.n_out));
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  for (float& value : x) value = normal(random);
  const Tensor y = {y_data.data(), n_rows, shape.n_out, shape.n_out};
  const MatmulScratchPtr scratch = make_matmul_scratch();
  size_t turn = 0;
  const auto product = shape.prompt ? matmul_prefill : matmul;
  const auto multiply = [&] {
    product({x.data(), n_rows, shape.n_in, shape.n_in}, *weights[turn++ % n_copies], {}, false, y,
            *scratch, pool);
  };
  multiply();
  if (!is_right(stored, x, y)) return state.SkipWithError("wrong result");
  for (auto _ : state) multiply();
  const double n = static_cast<double>(state.iterations());
  const double operations = 2.0 * static_cast<double>(n_rows * shape.n_out * shape.n_in);
  using benchmark::Counter;
  state.counters["TOPS"] = Counter(operations * n / 1e12, Counter::kIsRate);
  state.counters["int8_share"] =
      Counter(operations * n / 1e12 / machine().int8_tops(), Counter::kIsRate);
  const double gb = static_cast<double>(weights[0]->bytes()) / 1e9;
  state.counters["GB/s"] = Counter(gb * n, Counter::kIsRate);
  state.counters["read_share"] = Counter(gb * n / machine().read_gb_s(), Counter::kIsRate);
}

void register_benches() {
  static const Shape shapes[] = {
      {"Q4_1", 1536, 576},         {"Q4_1", 576, 1536},        {"Q4_K", 5632, 2048},
      {"Q6_K", 2048, 5632},        {"Q8_0", 2048, 2048},       {"F16", 2048, 2048},
      {"F32", 2048, 2048},         {"Q4_1", 1536, 576, true},  {"Q4_1", 576, 1536, true},
      {"Q4_K", 5632, 2048, true},  {"Q6_K", 2048, 5632, true}, {"Q8_0", 2048, 2048, true},
      {"Q4_0", 11008, 4096, true}, {"Q4_0", 11008, 4096}};
  for (const Shape& shape : shapes) {
    const std::string name = fmt::format("{}/{}x{}{}", shape.type, shape.n_out, shape.n_in,
                                         shape.prompt ? "/prompt" : "");
    benchmark::RegisterBenchmark(name.c_str(), run_matmul, shape)
        ->ArgName("rows")
        ->Arg(1)
        ->Arg(4)
        ->Arg(16)
        ->Arg(128)
        ->Arg(512)
        ->UseRealTime()
        ->Unit(benchmark::kMicrosecond);
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
  benchmark::AddCustomContext("int8_tops", fmt::format("{:.2f}", machine.int8_tops()));
  benchmark::RunSpecifiedBenchmarks();
}
