/* A child that runs: what it writes, and what it is told. Both halves of a keeper hold one. */
#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "keeper.h"

void child_end_output(struct child *child) {
  if (child->input == child->output) child->input = -1;
  if (child->output >= 0) close(child->output);
  child->output = -1;
}

/* A terminal hands out little at a time, so its pieces are gathered. */
size_t child_read(struct child *child, char *into, size_t most) {
  size_t have = 0;
  while (have < most && child->output >= 0) {
    ssize_t got = read(child->output, into + have, most - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (got <= 0) child_end_output(child); /* end of a pipe, or EIO: nobody holds the terminal any more */
    else have += (size_t)got;
    if (!child->pty) break;
  }
  return have;
}

size_t child_waiting(const struct child *child) {
  int waiting = 0;
  return child->output >= 0 && ioctl(child->output, FIONREAD, &waiting) == 0 && waiting > 0 ? (size_t)waiting : 0;
}

size_t child_last_output(struct child *child) {
  if (child->slave >= 0) close(child->slave);
  child->slave = -1;
  return child->pty ? TERMINAL_DRAIN : child_waiting(child);
}

int child_signal(const struct child *child, int signal) {
  if (signal <= 0 || signal >= NSIG) return EINVAL;
  /* The child is not reaped, so its number is still its own. Before it leads its group it is told alone. */
  if (kill(-child->pid, signal) == 0 || kill(child->pid, signal) == 0) return 0;
  return errno;
}

int child_resize(const struct child *child, unsigned rows, unsigned columns) {
  struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
  if (!child->pty) return ENOTTY;
  return ioctl(child->output, TIOCSWINSZ, &size) == 0 ? 0 : errno;
}

/* End of file: the command was executed. Otherwise it says which step failed. */
enum report child_report(struct child *child, struct start_failure *failure) {
  ssize_t got;
  do got = read(child->report, failure, sizeof *failure);
  while (got < 0 && errno == EINTR);
  if (got < 0 && errno == EAGAIN) return REPORT_NONE;
  close(child->report);
  child->report = -1;
  return got == (ssize_t)sizeof *failure ? REPORT_FAILED : REPORT_RUNS;
}

bool child_open_gate(struct child *child) {
  bool opened = write_all(child->gate, "", 1);
  close(child->gate);
  child->gate = -1;
  return opened;
}
