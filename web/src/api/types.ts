// The parts of the OpenAI chat API that the page speaks.

export interface ChatMessage {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

export interface ChatRequest {
  model: string;
  messages: ChatMessage[];
  temperature?: number;
  top_p?: number;
  max_tokens?: number;
  seed?: number;
}

export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  prompt_tokens_details?: { cached_tokens?: number } | null;
  /** Of remote models whose prices are known: a billionth of a US dollar is 1. */
  cost_nano_usd?: number;
}

/** One `data:` object of a stream; everything may be absent, because other servers differ. */
export interface ChatChunk {
  model?: string;
  choices?: {
    delta?: { content?: string | null; reasoning_content?: string | null };
    finish_reason?: string | null;
  }[];
  usage?: Usage | null;
  error?: unknown;
}
