/* Runs the host in the background and starts it again when it dies of something that it did not mean. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "keeper.h"

enum { STARTS = 5, WINDOW_MS = 60000, REFUSED_CONFIGURATION = 78 };
static volatile sig_atomic_t host_pid, asked_to_stop;

static void forward(int signal) {
  asked_to_stop = 1;
  if (host_pid > 0) (void)kill((pid_t)host_pid, signal);
}

static void say(const char *what, int status) {
  dprintf(2, "hearth supervisor: the host %s (%s %d)\n", what, WIFSIGNALED(status) ? "signal" : "code",
          WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static int run_once(char **command) {
  sigset_t ours, before;
  int status = 0;
  sigemptyset(&ours);
  sigaddset(&ours, SIGTERM);
  sigaddset(&ours, SIGINT);
  sigprocmask(SIG_BLOCK, &ours, &before); /* no signal may fall between the fork and the number being known */
  pid_t pid = fork();
  if (pid == 0) {
    struct sigaction ordinary = {.sa_handler = SIG_DFL};
    for (int signal = 1; signal < NSIG; signal++) (void)sigaction(signal, &ordinary, NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    execvp(command[0], command);
    dprintf(2, "hearth supervisor: cannot run %s: %s\n", command[0], strerror(errno));
    _exit(REFUSED_CONFIGURATION);
  }
  host_pid = pid;
  sigprocmask(SIG_SETMASK, &before, NULL);
  if (pid < 0) return 71 << 8;
  pid_t waited;
  do waited = waitpid(pid, &status, 0);
  while (waited < 0 && errno == EINTR);
  host_pid = 0;
  return waited == pid ? status : 71 << 8;
}

/* Waits until a start is allowed again: at most STARTS in any WINDOW_MS. False: it was the fifth death within it. */
static bool may_start_again(int64_t starts[STARTS], unsigned count) {
  return count < STARTS || monotonic_ms() - starts[count % STARTS] >= WINDOW_MS;
}

static int watch_over(char **command) {
  int64_t starts[STARTS] = {0};
  for (unsigned count = 0;;) {
    starts[count++ % STARTS] = monotonic_ms();
    int status = run_once(command);
    bool refused = WIFEXITED(status) && WEXITSTATUS(status) == REFUSED_CONFIGURATION;
    if (refused) say("refused its configuration", status); /* `up --detach` reads it, to end with the same code */
    bool meant = refused || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
    if (meant || asked_to_stop) return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    if (!may_start_again(starts, count)) {
      say("died five times in a minute, giving up", status);
      return 1;
    }
    say("died and is started again", status);
  }
}

static bool detach_stdio(const char *log_file) {
  int null = open("/dev/null", O_RDWR), log = open(log_file, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (null < 0 || log < 0) return false;
  return dup2(null, 0) >= 0 && dup2(log, 1) >= 0 && dup2(log, 2) >= 0;
}

int supervise(int argc, char **argv) {
  if (argc < 4 || strcmp(argv[0], "--log") != 0 || strcmp(argv[2], "--") != 0) {
    fprintf(stderr, "usage: keeper supervise --log FILE -- COMMAND…\n");
    return 2;
  }
  struct sigaction forwarded = {.sa_handler = forward}, ignored = {.sa_handler = SIG_IGN};
  int check = open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (check < 0) {
    fprintf(stderr, "cannot write %s: %s\n", argv[1], strerror(errno));
    return 1;
  }
  close(check);
  pid_t pid = fork();
  if (pid < 0) return 71;
  if (pid > 0) return printf("%d\n", (int)pid) < 0; /* whoever started it learns whom to ask to stop */
  (void)setsid();
  if (!detach_stdio(argv[1])) _exit(1);
  close_inherited(3);
  (void)sigaction(SIGTERM, &forwarded, NULL);
  (void)sigaction(SIGINT, &forwarded, NULL);
  (void)sigaction(SIGHUP, &ignored, NULL);
  (void)sigaction(SIGPIPE, &ignored, NULL);
  return watch_over(argv + 3);
}
