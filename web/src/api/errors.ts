// Every way in which a request can fail, and what the person at the page is told to do about it.

/** A failure that the server reported, or that its silence tells. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number, // HTTP; 0 where the failure came after the status line
    readonly code: string | null,
  ) {
    super(message);
  }
}

export type FailureAction = 'retry' | 'newChat' | 'settings';

/** What is shown in the place where the answer should have been. Stored with the chat. */
export interface Failure {
  title: string;
  advice: string;
  detail?: string; // the server's own words
  actions: FailureAction[];
}

const object = (value: unknown): Record<string, unknown> | null =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;

/** The error in a body or event `{"error": {...}}`; other servers send a string or `detail`. */
export function apiError(body: unknown, status: number): ApiError {
  const outer = object(body);
  const inner = object(outer?.error);
  const said = inner?.message ?? outer?.error ?? outer?.detail ?? outer?.message ?? body;
  const message = typeof said === 'string' ? said.trim() : JSON.stringify(said ?? '');
  const code = inner?.code ?? inner?.type ?? null;
  return new ApiError(message.slice(0, 600), status, typeof code === 'string' ? code : null);
}

const failure = (title: string, advice: string, actions: FailureAction[]): Failure => ({
  title,
  advice,
  actions,
});

function explainCode(code: string | null): Failure | null {
  switch (code) {
    case 'interrupted':
      return failure('The answer was cut off', 'The connection ended before the answer did.', [
        'retry',
      ]);
    case 'context_length_exceeded':
      return failure(
        'This chat is too long for the model',
        'Start a new chat, or edit an earlier message to shorten this one.',
        ['newChat'],
      );
    case 'model_not_found':
      return failure('The server does not have this model', 'Pick another model at the top.', [
        'retry',
      ]);
    default:
      return null;
  }
}

function explainStatus(status: number): Failure {
  if (status === 401) {
    return failure('The server wants an API key', 'Enter one in the settings, then retry.', [
      'settings',
      'retry',
    ]);
  }
  if (status === 403) {
    return failure(
      'The server refuses this browser',
      'Open the page at the address that the server printed, on its own machine.',
      ['retry'],
    );
  }
  if (status === 404) {
    return failure('The server does not have this', 'Pick another model, then retry.', ['retry']);
  }
  if (status === 413) {
    return failure('The message is too large', 'Edit it to make it shorter.', ['newChat']);
  }
  if (status === 429 || status === 503) {
    return failure('The server is busy', 'Wait a moment, then retry.', ['retry']);
  }
  if (status >= 400 && status < 500) {
    return failure('The server refused the request', 'Check the settings, then retry.', [
      'settings',
      'retry',
    ]);
  }
  return failure('The server failed while answering', 'Retry; its log may say more.', ['retry']);
}

/** What to show for anything that a request threw. */
export function explain(error: unknown): Failure {
  if (error instanceof ApiError) {
    const known = explainCode(error.code) ?? explainStatus(error.status);
    return error.message ? { ...known, detail: error.message } : known;
  }
  return failure(
    'The server cannot be reached',
    'Check that `overtake serve` is still running, then retry.',
    ['retry'],
  );
}
