#include "cli/line_editor.h"

#include <histedit.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "cli/answer_printer.h"

namespace overtake {
namespace {

constexpr int kHistoryLines = 1000;
constexpr int kPasteGapMs = 20;  // lines of a paste follow each other faster than any typist

bool more_input_waits() {
  pollfd input = {STDIN_FILENO, POLLIN, 0};
  return ::poll(&input, 1, kPasteGapMs) > 0 && (input.revents & POLLIN);
}

constexpr std::string_view kQuotes = "\"\"\"";

}  // namespace

struct LineEditor::Impl {
  EditLine* editor = nullptr;
  History* history = nullptr;
  std::string history_path;
  std::string prompt;

  static char* prompt_of(EditLine* editor) {
    Impl* self = nullptr;
    el_get(editor, EL_CLIENTDATA, &self);
    return self->prompt.data();
  }
};

LineEditor::LineEditor(std::string history_path) : impl_(std::make_unique<Impl>()) {
  impl_->history_path = std::move(history_path);
  impl_->editor = el_init("overtake", stdin, stdout, stderr);
  impl_->history = history_init();
  HistEvent event;
  history(impl_->history, &event, H_SETSIZE, kHistoryLines);
  history(impl_->history, &event, H_SETUNIQUE, 1);
  if (!impl_->history_path.empty()) {
    history(impl_->history, &event, H_LOAD, impl_->history_path.c_str());
  }
  el_set(impl_->editor, EL_CLIENTDATA, impl_.get());
  // '\1' encloses what takes no room on the screen.
  el_set(impl_->editor, EL_PROMPT_ESC, &Impl::prompt_of, '\1');
  el_set(impl_->editor, EL_HIST, history, impl_->history);
  el_set(impl_->editor, EL_SIGNAL, 0);
  el_set(impl_->editor, EL_EDITOR, "emacs");
  el_set(impl_->editor, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  el_source(impl_->editor, nullptr);
}

LineEditor::~LineEditor() {
  HistEvent event;
  if (!impl_->history_path.empty()) {
    const mode_t mask = ::umask(077);
    history(impl_->history, &event, H_SAVE, impl_->history_path.c_str());
    ::umask(mask);
  }
  history_end(impl_->history);
  el_end(impl_->editor);
}

LineEditor::Input LineEditor::read_line() {
  int count = 0;
  errno = 0;
  const char* line = el_gets(impl_->editor, &count);
  if (line && count > 0) {
    std::string text(line, static_cast<size_t>(count));
    if (text.ends_with('\n')) text.pop_back();
    return {End::kText, std::move(text)};
  }
  if (InterruptGuard::interrupted() || errno == EINTR) {
    InterruptGuard::clear();
    el_reset(impl_->editor);
    std::fputc('\n', stdout);
    return {End::kInterrupted, ""};
  }
  return {End::kClosed, ""};
}

LineEditor::Input LineEditor::read(const std::string& prompt, const std::string& continuation) {
  impl_->prompt = prompt;
  Input input = read_line();
  if (input.end != End::kText) return input;
  std::string text = input.text;
  const bool quoted = text.starts_with(kQuotes);
  if (quoted) text.erase(0, kQuotes.size());
  impl_->prompt = continuation;
  for (;;) {
    if (quoted && text.ends_with(kQuotes)) {
      text.erase(text.size() - kQuotes.size());
      break;
    }
    const bool continues = !quoted && text.ends_with('\\');
    if (continues) text.pop_back();
    const bool command = text.starts_with('/');  // one line, however fast the next one follows
    if (!quoted && !continues && (command || !more_input_waits())) break;
    Input next = read_line();
    if (next.end == End::kInterrupted) return next;
    if (next.end == End::kClosed) break;
    text += '\n' + next.text;
  }
  HistEvent event;
  if (!text.empty()) history(impl_->history, &event, H_ENTER, text.c_str());
  return {End::kText, std::move(text)};
}

}  // namespace overtake
