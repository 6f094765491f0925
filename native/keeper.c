/* Hearth's keeper: the one who starts a child does not own its life. Each child has its own keeper, which holds its
   terminal or pipes, writes its output to a spool on disk and its exit status to a file, whatever becomes of the host. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "keeper.h"

struct keeper keeper;

enum { RETRY_MS = 100, SURVIVORS_MS = 20, SURVIVORS_MOST_MS = 640, DYING_MS = 50, LEAVING_MS = 1000, GRACE_ON_TERM_MS = 2000, TERMINAL_DRAIN = 4 * 1024 * 1024 };
static char chunk[CHUNK];
static volatile sig_atomic_t asked_to_end;

/* ---- the answer to whoever waits for the start; a host that is gone reads the records instead ---- */

static void reply(const char *format, const char *step, int error) {
  char line[256];
  if (keeper.reply < 0) return;
  int length = snprintf(line, sizeof line, format, keeper.name, step, error);
  if (length > 0 && (size_t)length < sizeof line &&
      send(keeper.reply, line, (size_t)length, MSG_DONTWAIT) < 0 && errno == ENOTSOCK)
    (void)!write(keeper.reply, line, (size_t)length);
  close(keeper.reply);
  keeper.reply = -1;
}

static void failed_start(const char *step, int error) {
  record_begin(&keeper.exit_record);
  record_add(&keeper.exit_record, "kind=failed_start\nstep=%s\nerrno=%d\nended=%lld\nmark=%s\n", step, error,
             (long long)now_ms(), keeper.spec.mark);
  record_sign(&keeper.exit_record, "exit", keeper.spec.secret);
  /* A disk too full to reserve the space may be too full for this as well: then only the answer says why. */
  if (keeper.exit_fd >= 0 ? !record_fill(keeper.exit_fd, &keeper.exit_record)
                          : !record_publish("exit", &keeper.exit_record))
    (void)unlink("exit");
  if (keeper.listener >= 0) (void)unlink("sock");
  reply("%s failed %s %d\n", step, error);
}

/* ---- start ---- */

static void on_signal(int signal) {
  int saved = errno;
  if (signal == SIGTERM) asked_to_end = 1;
  (void)!write(keeper.wake[1], "", 1); /* full: the loop is awake already */
  errno = saved;
}

static bool watch_signals(void) {
  struct sigaction ours = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, ignored = {.sa_handler = SIG_IGN};
  static const int unwanted[] = {SIGPIPE, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGTTOU, SIGTTIN, SIGTSTP};
  for (size_t i = 0; i < sizeof unwanted / sizeof *unwanted; i++)
    if (sigaction(unwanted[i], &ignored, NULL) != 0) return false;
  return pipe_cloexec(keeper.wake) && set_nonblocking(keeper.wake[0]) && set_nonblocking(keeper.wake[1]) &&
         sigaction(SIGCHLD, &ours, NULL) == 0 && sigaction(SIGTERM, &ours, NULL) == 0;
}

static bool write_live(void) {
  struct record live;
  char boot[80];
  if (!boot_id(boot, sizeof boot)) return false;
  record_begin(&live);
  record_add(&live, "keeper=%d\npid=%d\ngroup=%d\ntick=%llu\nboot=%s\nmode=%s\nstarted=%lld\nbest_effort=%d\nunlimited=%d\nmark=%s\n",
             (int)getpid(), (int)keeper.child.pid, (int)keeper.child.pid, (unsigned long long)keeper.child.tick, boot,
             keeper.child.pty ? "pty" : "pipe", (long long)now_ms(), keeper.best_effort, keeper.unlimited, keeper.spec.mark);
  record_sign(&live, "live", keeper.spec.secret);
  return record_publish("live", &live);
}

/* The mark identifies the child; it is the last entry, and no other of that name may stand before it. */
static void mark_environment(void) {
  static char entry[sizeof keeper.spec.mark + 16];
  size_t kept = 0;
  for (size_t i = 0; keeper.spec.env[i] != NULL; i++)
    if (strncmp(keeper.spec.env[i], "HEARTH_MARK=", 12) != 0) keeper.spec.env[kept++] = keeper.spec.env[i];
  snprintf(entry, sizeof entry, "HEARTH_MARK=%s", keeper.spec.mark);
  keeper.spec.env[kept++] = entry;
  keeper.spec.env[kept] = NULL;
}

static bool open_everything(mode_t umask_of_child, const char **step) {
  *step = "records";
  if ((keeper.exit_fd = record_reserve("exit")) < 0 || (keeper.closed_fd = record_reserve("closed")) < 0) return false;
  *step = "spool";
  if (!spool_open(&keeper.spool, keeper.spec.quota)) return false;
  *step = "socket";
  if (!serve_open()) return false;
  *step = "signals";
  if (!watch_signals()) return false;
  mark_environment();
  return child_fork(&keeper.child, &keeper.spec, umask_of_child, step);
}

/* Steps 3 to 6 of the start. Whoever gives up waiting renames our claim away, before it or after it: both is seen. */
static bool start(mode_t umask_of_child) {
  const char *step;
  test_point(2);
  if (rename("spec", "armed") != 0) return false; /* revoked, or claimed by another: not ours, nothing to report */
  test_point(3);
  if (!read_spec(&keeper.spec, "armed")) return failed_start("spec", errno), false;
  keeper.best_effort = !become_subreaper();
  bool opened = open_everything(umask_of_child, &step);
  if (!opened) return failed_start(step, errno), false;
  keeper.unlimited = groups_join(&keeper.spec.groups, keeper.child.pid);
  if (keeper.unlimited != 0 && keeper.spec.groups.required) return failed_start("limits", keeper.unlimited), false;
  test_point(4);
  if (!write_live()) return failed_start("live", errno), false;
  test_point(5);
  if (access("armed", F_OK) != 0) return failed_start("revoked", ECANCELED), false;
  if (!write_all(keeper.child.gate, "", 1)) return failed_start("gate", errno), false;
  close(keeper.child.gate);
  keeper.starting = true;
  test_point(6);
  return true;
}

/* ---- output: what is read goes to the spool; what a full disk refuses is held, and nothing more is read ---- */

static void spool_or_hold(const char *bytes, size_t count) {
  size_t done = spool_write(&keeper.spool, bytes, count);
  if (done == count) return;
  char *held = malloc(count - done);
  if (held == NULL) { /* then the chunk itself stays where it is: it is only read into when nothing is held */
    memmove(chunk, bytes + done, count - done);
    held = chunk;
  } else {
    memcpy(held, bytes + done, count - done);
  }
  keeper.held = held;
  keeper.held_length = count - done;
  keeper.retry_at = monotonic_ms() + RETRY_MS;
}

static void retry_held(void) {
  char *held = keeper.held;
  size_t done = spool_write(&keeper.spool, held, keeper.held_length);
  keeper.held_length -= done;
  keeper.retry_at = monotonic_ms() + RETRY_MS;
  if (keeper.held_length > 0) {
    memmove(held, held + done, keeper.held_length);
  } else {
    keeper.held = NULL;
    if (held != chunk) free(held);
  }
}

static void end_output(void) {
  if (keeper.child.input == keeper.child.output) keeper.child.input = -1;
  close(keeper.child.output);
  keeper.child.output = -1;
  keeper.output_ended = true;
}

/* Reads at most `most` bytes. A terminal hands out little at a time, so its pieces are gathered for one write. */
static size_t read_output(size_t most) {
  size_t have = 0;
  if (most > sizeof chunk) most = sizeof chunk;
  while (have < most && keeper.child.output >= 0) {
    ssize_t got = read(keeper.child.output, chunk + have, most - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (got <= 0) end_output(); /* end of a pipe, or EIO: nobody holds the terminal any more */
    else have += (size_t)got;
    if (!keeper.child.pty) break;
  }
  if (have > 0) spool_or_hold(chunk, have);
  return have;
}

/* ---- end ---- */

static size_t waiting_in_kernel(void) {
  int waiting = 0;
  return keeper.child.output >= 0 && ioctl(keeper.child.output, FIONREAD, &waiting) == 0 && waiting > 0 ? (size_t)waiting
                                                                                                        : 0;
}

/* The child is dead, so all it wrote is there: exactly what a pipe says it holds, or a terminal until it has no more.
   Descendants may go on writing, so there is a bound. */
static void read_what_is_there(void) {
  if (keeper.child.slave >= 0) close(keeper.child.slave);
  keeper.child.slave = -1;
  if (keeper.held != NULL) retry_held();
  size_t left = keeper.child.pty ? TERMINAL_DRAIN : waiting_in_kernel();
  while (left > 0 && keeper.held == NULL && keeper.child.output >= 0) {
    size_t got = read_output(left);
    if (got == 0) break;
    left -= got;
  }
}

static void write_exit(int status) {
  read_what_is_there();
  uint64_t bytes = keeper.spool.length + (keeper.held != NULL ? keeper.held_length + waiting_in_kernel() : 0);
  bool core = false;
#ifdef WCOREDUMP
  core = WIFSIGNALED(status) && WCOREDUMP(status);
#endif
  record_begin(&keeper.exit_record);
  record_add(&keeper.exit_record, "kind=exited\n%s=%d\ncore=%d\nended=%lld\nbytes=%llu\nmark=%s\n",
             WIFSIGNALED(status) ? "signal" : "code", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
             core, (long long)now_ms(), (unsigned long long)bytes, keeper.spec.mark);
  record_sign(&keeper.exit_record, "exit", keeper.spec.secret);
  (void)record_fill(keeper.exit_fd, &keeper.exit_record); /* its space is reserved; on a broken disk the hosts still hear */
  keeper.exited = true;
  input_drop(&keeper.input, &keeper.child);
  serve_end(EXITED, &keeper.exit_record);
}

static void write_closed(void) {
  record_begin(&keeper.closed_record);
  record_add(&keeper.closed_record, "bytes=%llu\nstragglers=%u\nended=%lld\nmark=%s\n",
             (unsigned long long)keeper.spool.length, keeper.no_children ? 0 : tree_count(), (long long)now_ms(),
             keeper.spec.mark);
  record_sign(&keeper.closed_record, "closed", keeper.spec.secret);
  (void)record_fill(keeper.closed_fd, &keeper.closed_record);
  keeper.closed = true;
  serve_end(CLOSED, &keeper.closed_record);
}

/* A process closes its files a moment before it is dead: whoever just ended the output is no straggler yet. */
static void close_when_settled(void) {
  if (keeper.close_at == 0) keeper.close_at = monotonic_ms() + DYING_MS;
  if (keeper.no_children || monotonic_ms() >= keeper.close_at) write_closed();
}

/* End of file: the command was executed. Otherwise it says which step failed. */
static bool read_report(void) {
  struct start_failure failure;
  ssize_t got;
  do got = read(keeper.child.report, &failure, sizeof failure);
  while (got < 0 && errno == EINTR);
  if (got < 0 && errno == EAGAIN) return true;
  close(keeper.child.report);
  keeper.child.report = -1;
  if (got == (ssize_t)sizeof failure) return failed_start(start_steps[failure.step], failure.error), false;
  keeper.starting = false;
  release_spec(&keeper.spec);
  reply("%s ok\n", "", 0);
  return true;
}

/* As sub-reaper it gets every orphan of the tree. No child left at all is the proof that the tree is gone. */
static void reap(void) {
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
    if (pid == keeper.child.pid && !keeper.exited) write_exit(status);
  keeper.no_children = pid < 0 && errno == ECHILD;
}

/* ---- the one kill procedure ---- */

void begin_kill(int first_signal, uint32_t grace_ms) {
  if (first_signal == SIGKILL) groups_stop(&keeper.spec.groups);
  if (!keeper.no_children) tree_signal(first_signal);
  if (grace_ms == 0) return;
  int64_t insist_at = monotonic_ms() + grace_ms;
  if (!keeper.killing || insist_at < keeper.insist_at) keeper.insist_at = insist_at;
  if (!keeper.killing) keeper.survivors_wait = SURVIVORS_MS;
  keeper.killing = true;
}

static void continue_kill(void) {
  if (keeper.no_children) {
    keeper.killing = false;
    serve_answer_kills();
  } else if (monotonic_ms() >= keeper.insist_at) {
    groups_stop(&keeper.spec.groups);
    tree_signal(SIGKILL);
    keeper.insist_at = monotonic_ms() + keeper.survivors_wait; /* ever slower: some sit in the kernel for minutes */
    if (keeper.survivors_wait < SURVIVORS_MOST_MS) keeper.survivors_wait *= 2;
  }
}

/* ---- the loop ---- */

static int patience(void) {
  int64_t until = INT64_MAX, now = monotonic_ms();
  if (keeper.held != NULL) until = keeper.retry_at;
  if (keeper.killing && keeper.insist_at < until) until = keeper.insist_at;
  if (keeper.close_at != 0 && !keeper.closed && keeper.close_at < until) until = keeper.close_at;
  if (until == INT64_MAX) return -1;
  return until <= now ? 0 : until - now > 60000 ? 60000 : (int)(until - now);
}

static void wake_up(void) {
  char many[64];
  while (read(keeper.wake[0], many, sizeof many) > 0) continue;
  if (asked_to_end) {
    asked_to_end = 0;
    begin_kill(SIGTERM, GRACE_ON_TERM_MS);
  }
}

enum { WAKE, REPORT, OUTPUT, TYPED, LISTENER, HOSTS, WATCHED = HOSTS + MAX_CONNECTIONS };

static void look_at(struct pollfd fds[WATCHED]) {
  const struct child *child = &keeper.child;
  bool typed = keeper.input.length > 0;
  fds[WAKE] = (struct pollfd){.fd = keeper.wake[0], .events = POLLIN};
  fds[REPORT] = (struct pollfd){.fd = child->report, .events = POLLIN};
  fds[OUTPUT] = (struct pollfd){.fd = keeper.held == NULL ? child->output : -1, .events = POLLIN};
  fds[TYPED] = (struct pollfd){.fd = typed ? child->input : -1, .events = POLLOUT};
  fds[LISTENER] = (struct pollfd){.fd = keeper.listener, .events = POLLIN};
  for (int i = 0; i < MAX_CONNECTIONS; i++) {
    const struct connection *one = &keeper.connections[i];
    fds[HOSTS + i] = (struct pollfd){.fd = one->fd, .events = POLLIN};
    if (one->outgoing_length > 0) fds[HOSTS + i].events |= POLLOUT;
  }
}

/* False: the command could not be executed. The report comes before the reaping, or a failure would pass for an end. */
static bool hear_child(const struct pollfd fds[WATCHED]) {
  if (fds[WAKE].revents != 0) wake_up();
  if (keeper.child.report >= 0 && (fds[REPORT].revents != 0 || fds[WAKE].revents != 0) && !read_report()) return false;
  if (fds[WAKE].revents != 0) reap();
  return true;
}

static void move_output(const struct pollfd fds[WATCHED]) {
  if (keeper.held != NULL && monotonic_ms() >= keeper.retry_at) retry_held();
  if (fds[OUTPUT].revents != 0 && keeper.held == NULL && keeper.child.output >= 0) (void)read_output(CHUNK);
  if (keeper.exited && keeper.output_ended && keeper.held == NULL && !keeper.closed) close_when_settled();
  serve_grew(false);
}

static void hear_hosts(const struct pollfd fds[WATCHED]) {
  for (int i = 0; i < MAX_CONNECTIONS; i++) {
    struct connection *one = &keeper.connections[i];
    short events = fds[HOSTS + i].revents;
    if (events & POLLOUT && one->fd >= 0) serve_flush(one);
    if (events & (POLLIN | POLLHUP | POLLERR) && one->fd >= 0) serve_read(one);
  }
  if (fds[LISTENER].revents != 0) serve_accept();
}

static bool turn(void) {
  struct pollfd fds[WATCHED];
  look_at(fds);
  if (poll(fds, WATCHED, patience()) < 0) {
    if (errno != EINTR) return false;
    for (int i = 0; i < WATCHED; i++) fds[i].revents = 0;
  }
  if (!hear_child(fds)) return false;
  move_output(fds);
  if (fds[TYPED].revents != 0 && keeper.child.input >= 0) input_drain(&keeper.input, &keeper.child);
  hear_hosts(fds);
  if (keeper.killing) continue_kill();
  return true;
}

int keep(const char *directory, int reply_to, mode_t umask_of_child) {
  const char *slash = strrchr(directory, '/');
  keeper = (struct keeper){.name = slash != NULL ? slash + 1 : directory, .listener = -1, .exit_fd = -1, .closed_fd = -1, .reply = reply_to, .wake = {-1, -1}};
  umask(077);
#ifdef __linux__
  (void)prctl(PR_SET_NAME, "hearth-keeper", 0, 0, 0);
#endif
#if defined(__linux__) && !defined(HEARTH_SANITIZE)
  (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* the secret is in this memory: no dump, and no look from a child */
#endif
  if (chdir(directory) != 0 || !start(umask_of_child)) return 1;
  while (!(keeper.closed && keeper.no_children))
    if (!turn()) break;
  (void)unlink("sock");
  serve_leave(LEAVING_MS);
  return keeper.exited ? 0 : 1;
}

int main(int argc, char **argv) {
  if ((argc == 2 || argc == 3) && strcmp(argv[1], "launch") == 0) return launch(argc == 3 ? strtoul(argv[2], NULL, 10) : 0);
  if (argc >= 3 && strcmp(argv[1], "supervise") == 0) return supervise(argc - 2, argv + 2);
  if (argc == 2 && strcmp(argv[1], "version") == 0) return printf("%d\n", PROTOCOL_VERSION) < 0;
  fprintf(stderr, "usage: keeper launch [OPEN_FILES] | keeper supervise --log FILE -- COMMAND… | keeper version\n");
  return 2;
}
