// The models that the server has, which one is chosen, and whether there is a server at all.
import { computed, signal } from '@preact/signals';

import { listModels } from '../api/client';
import { ApiError, explain, type Failure } from '../api/errors';
import { apiKey } from './settings';
import { read, write } from './storage';

export const models = signal<string[]>([]);
export const modelsFailure = signal<Failure | null>(null);
export const modelsLoaded = signal(false);
const chosen = signal(read('model') ?? '');

/** The chosen model while the server has it, else the server's first; empty without any. */
export const model = computed(() =>
  models.value.includes(chosen.value) ? chosen.value : (models.value[0] ?? ''),
);

export function chooseModel(name: string) {
  chosen.value = name;
  write('model', name);
}

const kRetryMs = 4000;
let retry: ReturnType<typeof setTimeout> | undefined;

/** Asks for the models; without a server, again and again until it is there. */
export async function refreshModels() {
  clearTimeout(retry);
  try {
    models.value = await listModels(apiKey.value);
    modelsFailure.value = null;
  } catch (error) {
    modelsFailure.value = explain(error);
    // A refusal stays one until the person changes the key.
    const refused = error instanceof ApiError && error.status >= 400 && error.status < 500;
    if (!refused) retry = setTimeout(() => void refreshModels(), kRetryMs);
  }
  modelsLoaded.value = true;
}
