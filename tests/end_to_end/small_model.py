"""Writes a tiny Llama with random weights and a byte-level vocabulary as a GGUF file, in the plain
words of the format's specification (ggml-org/ggml, docs/gguf.md)."""
import random
import struct

UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
F32 = 0
BLOCK = 32  # elements of a Q4_1 block
ALIGNMENT = 32

WIDTH, FFN, HEADS, KV_HEADS, LAYERS, CONTEXT = 32, 64, 4, 2, 2, 128
NUMBERS = {"llama.context_length": CONTEXT, "llama.embedding_length": WIDTH,
           "llama.block_count": LAYERS, "llama.feed_forward_length": FFN,
           "llama.attention.head_count": HEADS, "llama.attention.head_count_kv": KV_HEADS,
           "llama.rope.dimension_count": WIDTH // HEADS, "tokenizer.ggml.bos_token_id": 1,
           "tokenizer.ggml.eos_token_id": 2}
REALS = {"llama.attention.layer_norm_rms_epsilon": 1e-5, "llama.rope.freq_base": 10000.0}
TEMPLATE = ("{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + "
            "message['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
            "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")


def string(text):
    data = text.encode("utf-8")
    return struct.pack("<Q", len(data)) + data


def entry(key, kind, value):
    return string(key) + struct.pack("<I", kind) + value


def array(kind, items):
    return struct.pack("<IQ", kind, len(items)) + b"".join(items)


def byte_characters():
    """The 256 characters that stand for bytes in GPT-2's vocabulary."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    spare = iter(range(256, 512))
    return [chr(b) if b in plain else chr(next(spare)) for b in range(256)]


def metadata(arch, vocabulary, merges, numbers, reals):
    kinds = [struct.pack("<i", 3 if t.startswith("<|") else 1) for t in vocabulary]
    entries = [entry("general.architecture", STRING, string(arch)),
               entry("general.name", STRING, string("tiny")),
               entry("tokenizer.ggml.model", STRING, string("gpt2")),
               entry("tokenizer.ggml.pre", STRING, string("smollm")),
               entry("tokenizer.ggml.tokens", ARRAY, array(STRING, [string(t) for t in vocabulary])),
               entry("tokenizer.ggml.merges", ARRAY, array(STRING, [string(m) for m in merges])),
               entry("tokenizer.ggml.token_type", ARRAY, array(INT32, kinds)),
               entry("tokenizer.ggml.add_bos_token", BOOL, b"\0"),
               entry("tokenizer.chat_template", STRING, string(TEMPLATE))]
    def key(name):
        return name.replace("llama.", arch + ".", 1)
    entries += [entry(key(k), UINT32, struct.pack("<I", v)) for k, v in numbers.items()]
    return entries + [entry(key(k), FLOAT32, struct.pack("<f", v)) for k, v in reals.items()]


def shapes(n_vocabulary):
    """Name -> shape as GGUF has it, the innermost dimension first."""
    kv = WIDTH // HEADS * KV_HEADS
    found = {"token_embd.weight": [WIDTH, n_vocabulary], "output_norm.weight": [WIDTH]}
    for i in range(LAYERS):
        layer = {"attn_norm": [WIDTH], "attn_q": [WIDTH, WIDTH], "attn_k": [WIDTH, kv],
                 "attn_v": [WIDTH, kv], "attn_output": [WIDTH, WIDTH], "ffn_norm": [WIDTH],
                 "ffn_gate": [WIDTH, FFN], "ffn_up": [WIDTH, FFN], "ffn_down": [FFN, WIDTH]}
        found.update({f"blk.{i}.{name}.weight": shape for name, shape in layer.items()})
    return found


def tensor_data(shape, matrix_type, generator):
    """The tensor's type and bytes: F32, or blocks laid out as Q4_1's for matrices if asked so."""
    n = shape[0] * (shape[1] if len(shape) > 1 else 1)
    if matrix_type == F32 or len(shape) == 1:
        return F32, struct.pack(f"<{n}f", *(generator.gauss(0, 0.1) for _ in range(n)))
    blocks = (struct.pack("<2e", 0.02, -0.15) + generator.randbytes(BLOCK // 2)
              for _ in range(n // BLOCK))
    return matrix_type, b"".join(blocks)


def write(seed=1, numbers=None, reals=None, arch="llama", matrix_type=F32):
    """The file's bytes, and the length of what comes before the tensors' data. `numbers` and
    `reals` replace metadata, so that a well-formed file contradicts itself."""
    generator = random.Random(seed)
    letters = byte_characters()
    merges = ["t h", "Ġ a", "i n", "Ġ t", "Ġt h"]
    vocabulary = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *letters,
                  *(m.replace(" ", "") for m in merges)]
    entries = metadata(arch, vocabulary, merges, {**NUMBERS, **(numbers or {})},
                       {**REALS, **(reals or {})})
    table, data = [], b""
    for name, shape in shapes(len(vocabulary)).items():
        kind, values = tensor_data(shape, matrix_type, generator)
        table.append(string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind,
                                                len(data)))
        data += values + b"\0" * (-len(values) % ALIGNMENT)
    header = struct.pack("<4sIQQ", b"GGUF", 3, len(table), len(entries))
    header += b"".join(entries) + b"".join(table)
    header += b"\0" * (-len(header) % ALIGNMENT)
    return header + data, len(header)
