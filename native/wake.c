/* Signals become bytes in a pipe, so that one poll hears everything. */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "keeper.h"

static int ends[2] = {-1, -1};
static volatile sig_atomic_t asked_to_end;

static void on_signal(int signal) {
  int saved = errno;
  if (signal == SIGTERM) asked_to_end = 1;
  (void)!write(ends[1], "", 1); /* full: the loop is awake already */
  errno = saved;
}

int wake_open(void) {
  struct sigaction ours = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, ignored = {.sa_handler = SIG_IGN};
  static const int unwanted[] = {SIGPIPE, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGTTOU, SIGTTIN, SIGTSTP};
  for (size_t i = 0; i < sizeof unwanted / sizeof *unwanted; i++)
    if (sigaction(unwanted[i], &ignored, NULL) != 0) return -1;
  bool open = pipe_cloexec(ends) && set_nonblocking(ends[0]) && set_nonblocking(ends[1]) &&
              sigaction(SIGCHLD, &ours, NULL) == 0 && sigaction(SIGTERM, &ours, NULL) == 0;
  return open ? ends[0] : -1;
}

bool wake_heard(void) {
  char many[64];
  while (read(ends[0], many, sizeof many) > 0) continue;
  bool asked = asked_to_end;
  asked_to_end = 0;
  return asked;
}
