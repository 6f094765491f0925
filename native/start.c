/* Forks the gated child: it exists, its facts can be recorded, but it runs nothing before its gate opens. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keeper.h"

extern char **environ;

enum { STEP_SETUP, STEP_CWD, STEP_EXEC };
const char *const start_steps[] = {"setup", "cwd", "exec"};

/* The child reads a terminal's slave, or a pipe; both outputs go to one pipe, so that they keep their order. */
struct ends { int input, output, errors; };

static bool open_pipes(struct child *child, struct ends *ends, bool errors_apart) {
  int in[2], out[2], errors[2] = {-1, -1};
  if (errors_apart && !(pipe_cloexec(errors) && set_nonblocking(errors[0]))) return false; /* then the keeper leaves */
  if (!pipe_cloexec(in)) return false;
  if (!pipe_cloexec(out)) {
    int failure = errno;
    close(in[0]);
    close(in[1]);
    return errno = failure, false;
  }
#ifdef F_SETPIPE_SZ
  (void)fcntl(out[0], F_SETPIPE_SZ, 256 * 1024); /* fewer switches for a loud child; the default does as well */
#endif
  *ends = (struct ends){.input = in[0], .output = out[1], .errors = errors_apart ? errors[1] : out[1]};
  child->errors = errors[0];
  child->input = in[1];
  child->output = out[0];
  return set_nonblocking(child->input) && set_nonblocking(child->output);
}

static bool open_ends(struct child *child, const struct spec *spec, struct ends *ends, const char **step) {
  child->pty = false;
  if (spec->pty) {
    child->output = open_terminal(&child->slave, spec->rows, spec->columns);
    child->input = child->output;
    child->pty = child->output >= 0;
    *ends = (struct ends){.input = child->slave, .output = child->slave, .errors = child->slave};
    if (child->pty) return true;
    if (!spec->pty_fallback) return *step = "pty", false;
  }
  *step = "pipe";
  return open_pipes(child, ends, spec->errors_apart);
}

static void ordinary_signals(void) {
  struct sigaction ordinary = {.sa_handler = SIG_DFL};
  sigset_t none;
  for (int signal = 1; signal < NSIG; signal++) (void)sigaction(signal, &ordinary, NULL); /* KILL and STOP refuse */
  sigemptyset(&none);
  (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static int become(const struct child *child, const struct spec *spec, struct ends ends, mode_t mask) {
  struct rlimit core;
  if (dup2(ends.input, 0) < 0 || dup2(ends.output, 1) < 0 || dup2(ends.errors, 2) < 0) return STEP_SETUP;
  if (child->pty && ioctl(0, TIOCSCTTY, 0) != 0) return STEP_SETUP;
  if (getrlimit(RLIMIT_CORE, &core) == 0) {
    core.rlim_cur = 0;
    (void)setrlimit(RLIMIT_CORE, &core);
  }
  umask(mask);
  if (chdir(spec->cwd) != 0) return STEP_CWD;
  environ = spec->env; /* execvp searches the PATH of this environment, the child's own */
  execvp(spec->argv[0], spec->argv);
  return STEP_EXEC;
}

static _Noreturn void child_main(const struct child *child, const struct spec *spec, struct ends ends, mode_t mask,
                                 int gate, int report) {
  char open_sign;
  ssize_t got;
  ordinary_signals(); /* before the gate: a TERM that comes now must end it, and not be taken for the keeper's own */
  (void)setsid();     /* cannot fail: a fresh fork leads no group */
  do got = read(gate, &open_sign, 1);
  while (got < 0 && errno == EINTR);
  if (got != 1) _exit(127); /* the keeper died, or the start was revoked */
  struct start_failure failure = {.step = become(child, spec, ends, mask)};
  failure.error = errno;
  (void)!write(report, &failure, sizeof failure);
  _exit(127);
}

bool child_fork(struct child *child, const struct spec *spec, mode_t umask_of_child, const char **step) {
  struct ends ends;
  int gate[2], report[2];
  *child = (struct child){.output = -1, .input = -1, .errors = -1, .slave = -1, .gate = -1, .report = -1};
  if (!open_ends(child, spec, &ends, step)) return false;
  *step = "fork";
  if (!pipe_cloexec(gate) || !pipe_cloexec(report)) return false; /* the keeper leaves: no need to tidy up */
  sigset_t all, before;
  sigfillset(&all);
  (void)sigprocmask(SIG_SETMASK, &all, &before);
  child->pid = groups_fork(&spec->groups);
  if (child->pid == 0) {
    close(gate[1]); /* or it would wait for itself when the keeper dies */
    child_main(child, spec, ends, umask_of_child, gate[0], report[1]);
  }
  int failure = errno;
  (void)sigprocmask(SIG_SETMASK, &before, NULL);
  close(gate[0]);
  close(report[1]);
  if (child->pid < 0) return errno = failure, false;
  child->gate = gate[1];
  child->report = report[0];
  /* The slave stays open while the child lives: a child that closes all its own ends has not ended its output. */
  if (!child->pty) {
    close(ends.input);
    close(ends.output);
    if (ends.errors != ends.output) close(ends.errors);
  }
  if (!process_facts(child->pid, &child->tick, NULL, NULL)) child->tick = 0;
  *step = "report";
  return set_nonblocking(child->report);
}
