// Paints a stream at most once a frame, and less often where painting is slow, so that the page
// answers the reader's hand while an answer of any length or shape arrives.

export class Pacer {
  private waiting = false;
  private painted = 0;
  private costMs = 0;

  constructor(private readonly paint: () => void) {}

  /** Something has changed; `paint` will run soon. */
  request() {
    if (this.waiting) return;
    this.waiting = true;
    // The browser keeps three quarters of its time.
    const wait = this.painted + 4 * this.costMs - performance.now();
    if (document.hidden) setTimeout(() => this.run(), Math.max(250, wait));
    else if (wait > 16) setTimeout(() => requestAnimationFrame(() => this.run()), wait);
    else requestAnimationFrame(() => this.run());
  }

  private run() {
    this.waiting = false;
    const start = performance.now();
    this.paint();
    // After the frame: rendering and layout have happened.
    setTimeout(() => {
      this.painted = performance.now();
      this.costMs = this.painted - start;
    });
  }
}
