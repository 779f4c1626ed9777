// Answers of the stand-in server: between them they show everything that Markdown can look like.
const fence = '```';

export const mockAnswers = [
  {
    word: 'sky',
    text: `The sky is blue because of **Rayleigh scattering**. Sunlight holds every colour, and the molecules of the air scatter short wavelengths far more strongly than long ones: the strength grows as 1/λ⁴, so blue light is scattered about five times as much as red.

At sunset the light crosses much more air before it reaches you. Most of the blue has been scattered away by then, and what is left is orange and red.`,
  },
  {
    word: 'palindrome',
    text: `Here is a function that ignores case, spaces and punctuation:

${fence}python
def is_palindrome(text: str) -> bool:
    """True if text reads the same in both directions."""
    letters = [c.lower() for c in text if c.isalnum()]
    return letters == letters[::-1]


print(is_palindrome("A man, a plan, a canal: Panama"))  # True
print(is_palindrome("Overtake"))                        # False
${fence}

**How it works**

1. The list comprehension keeps only letters and digits, in lower case.
2. \`letters[::-1]\` is the same list reversed.
3. Two lists are equal when all their elements are.

It takes O(n) time and memory. With two indices that walk towards each other, the memory would be O(1).`,
  },
  {
    word: 'compare',
    text: `They differ mostly in how they trade size against quality:

| Format | Bits per weight | Size of a 7B model | Typical use |
|:--|--:|--:|:--|
| \`F16\` | 16.0 | 13.5 GB | reference, fine-tuning |
| \`Q8_0\` | 8.5 | 7.2 GB | nearly lossless |
| \`Q5_K\` | 5.5 | 4.8 GB | quality first |
| \`Q4_K\` | 4.5 | 4.1 GB | the usual choice |
| \`Q2_K\` | 2.6 | 2.8 GB | when nothing else fits |

Some things to keep in mind:

- Decoding reads every weight once a token, so **half the bytes is about twice the speed**.
- Small models lose more from quantization than large ones.
  - Below 1B parameters, stay at \`Q8_0\` or above.
  - At 70B even \`Q3_K\` is usable.
- Measure on *your* task; perplexity hides much.

> A format is a promise about bytes, not about quality.

The details are in [the GGUF specification](https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).

${fence}cpp
// One Q4_0 block: 32 weights of 4 bits and their common scale.
struct BlockQ4_0 {
  uint16_t d;      // scale, half precision
  uint8_t qs[16];  // two weights a byte
};
static_assert(sizeof(BlockQ4_0) == 18, "no padding");
${fence}`,
  },
  {
    word: 'paris',
    text: `Rain suits Paris. Three ideas:

1. **Musée de l'Orangerie** – Monet's *Water Lilies* in two oval rooms, made for grey daylight.
2. **The covered passages** – from Passage Jouffroy to Galerie Vivienne you hardly need an umbrella.
3. **A long lunch** – order the *menu du jour*, read, and watch the street.`,
  },
];
