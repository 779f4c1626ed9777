// The one notice at the bottom. Its region is always there, so that screen readers hear it change.
import { hideToast, toast } from '../store/toast';

export function ToastView() {
  const shown = toast.value;
  return (
    <div class="toast-region" role="status" aria-live="polite">
      {shown && (
        <div class="toast">
          <span>{shown.text}</span>
          {shown.action && (
            <button
              type="button"
              onClick={() => {
                hideToast();
                shown.action?.run();
              }}
            >
              {shown.action.label}
            </button>
          )}
        </div>
      )}
    </div>
  );
}
