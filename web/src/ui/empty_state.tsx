// What a new chat shows: the name, and four ways to begin.
import { send } from '../store/answers';
import { model, models, modelsFailure, modelsLoaded, refreshModels } from '../store/models';
import { FailureCard } from './failure_card';
import { Mark } from './icons';

const kStarters = [
  { title: 'Explain', prompt: 'Why is the sky blue? Explain it in a few sentences.' },
  { title: 'Code', prompt: 'Write a Python function that tells whether a text is a palindrome.' },
  { title: 'Ideas', prompt: 'Give me three ideas for a rainy afternoon in Paris.' },
  { title: 'Write', prompt: 'Write a friendly email that moves our meeting to Thursday.' },
];

export function EmptyState() {
  return (
    <div class="empty">
      <h1>
        <Mark /> Overtake
      </h1>
      {modelsFailure.value ? (
        <FailureCard failure={modelsFailure.value} retry={() => void refreshModels()} />
      ) : modelsLoaded.value && models.value.length === 0 ? (
        <p class="tagline">
          This server has no model. Start it with one: <code>overtake serve MODEL</code>
        </p>
      ) : (
        <p class="tagline">What would you like to ask?</p>
      )}
    </div>
  );
}

export function Starters() {
  return (
    <ul class="starters" aria-label="Ways to begin">
      {kStarters.map(({ title, prompt }) => (
        <li>
          <button type="button" disabled={model.value === ''} onClick={() => send(prompt)}>
            <strong>{title}</strong>
            <span>{prompt}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
