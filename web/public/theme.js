// Runs before the first paint, so that a remembered theme never flashes in from the other one.
try {
  var theme = localStorage.getItem('overtake.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch (e) {
  // Storage may be forbidden; the system's theme holds then.
}
