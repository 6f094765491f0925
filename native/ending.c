/* The one way to end a tree: ask, wait, insist; and what of it was needed, as a fact and not as a matter of times. */
#include <signal.h>
#include <sys/wait.h>

#include "keeper.h"

enum { SURVIVORS_MS = 20, SURVIVORS_MOST_MS = 640 };

/* Dead and not reaped is dead: what it is told then has not ended it. */
static bool lives(pid_t child) {
  siginfo_t info = {0};
  return child > 0 && waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
}

void ending_note(struct ending *ending, pid_t child, int signal) {
  if (!lives(child)) return;
  ending->asked = true;
  if (signal == SIGKILL) ending->insisted = true;
}

static void tell(struct ending *ending, pid_t child, int signal) {
  ending_note(ending, child, signal);
  tree_signal(signal, child);
}

void ending_begin(struct ending *ending, pid_t child, int first_signal, uint32_t grace_ms) {
  tell(ending, child, first_signal);
  if (grace_ms == 0) return;
  int64_t insist_at = monotonic_ms() + grace_ms;
  if (!ending->begun || insist_at < ending->insist_at) ending->insist_at = insist_at;
  if (!ending->begun) ending->survivors_wait = SURVIVORS_MS;
  ending->begun = true;
}

void ending_continue(struct ending *ending, pid_t child) {
  if (monotonic_ms() < ending->insist_at) return;
  tell(ending, child, SIGKILL);
  ending->insist_at = monotonic_ms() + ending->survivors_wait; /* ever slower: some sit in the kernel for minutes */
  if (ending->survivors_wait < SURVIVORS_MOST_MS) ending->survivors_wait *= 2;
}

uint8_t ending_step(const struct ending *ending) {
  return ending->insisted ? ENDED_BY_KILL : ending->asked ? ENDED_BY_SIGNAL : ENDED_BY_ITSELF;
}
