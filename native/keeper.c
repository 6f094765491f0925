/* Hearth's keeper: the one who starts a child does not own its life. Each child has its own keeper, which holds its
   terminal or pipes, writes its output to a spool on disk and its exit status to a file, whatever becomes of the host. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "keeper.h"

struct keeper keeper;

enum { DYING_MS = 50, LEAVING_MS = 1000 };
static char chunk[CHUNK];

/* ---- the answer to whoever waits for the start; a host that is gone reads the records instead ---- */

static void reply(const char *format, const char *step, int error) {
  char line[512];
  if (keeper.reply < 0) return;
  int length = snprintf(line, sizeof line, format, keeper.name, step, error);
  if (length > 0 && (size_t)length < sizeof line &&
      send(keeper.reply, line, (size_t)length, MSG_DONTWAIT) < 0 && errno == ENOTSOCK)
    (void)!write(keeper.reply, line, (size_t)length);
  close(keeper.reply);
  keeper.reply = -1;
}

void failed_start(const char *step, int error) {
  record_begin(&keeper.exit_record);
  record_add(&keeper.exit_record, "kind=failed_start\nstep=%s\nerrno=%d\nended=%lld\nmark=%s\n", step, error,
             (long long)now_ms(), keeper.spec.mark);
  record_words(&keeper.exit_record, transport.words, transport.words_length);
  record_sign(&keeper.exit_record, "exit", keeper.spec.secret);
  /* A disk too full to reserve the space may be too full for this as well: then only the answer says why. */
  if (keeper.exit_fd >= 0 ? !record_fill(keeper.exit_fd, &keeper.exit_record)
                          : !record_publish("exit", &keeper.exit_record))
    (void)unlink("exit");
  if (keeper.listener >= 0) (void)unlink("sock");
  reply("%s failed %s %d\n", step, error);
}

/* ---- start ---- */

static bool write_live(void) {
  struct record live;
  char boot[80];
  if (!boot_id(boot, sizeof boot)) return false;
  record_begin(&live);
  record_add(&live, "keeper=%d\npid=%d\ngroup=%d\ntick=%llu\nboot=%s\nmode=%s\nstarted=%lld\nbest_effort=%d\nunlimited=%d\n",
             (int)getpid(), (int)keeper.child.pid, (int)keeper.child.pid, (unsigned long long)keeper.child.tick, boot,
             keeper.child.pty || (transport.used && keeper.spec.pty) ? "pty" : "pipe", (long long)now_ms(), keeper.best_effort,
             keeper.unlimited);
  if (!transport.used && live.length < sizeof keeper.runs) memcpy(keeper.runs, live.text, live.length + 1);
  record_add(&live, "mark=%s\n", keeper.spec.mark);
  record_sign(&live, "live", keeper.spec.secret);
  return record_publish("live", &live);
}

/* In a sandbox or not: what this keeper forks. The way into a sandbox has its own environment, and no terminal. */
static struct spec what_to_fork(void) {
  struct spec spec = keeper.spec;
  if (!transport.used) return spec;
  spec.argv = spec.via_argv;
  spec.env = spec.via_env;
  spec.cwd = spec.via_cwd;
  spec.pty = false;
  spec.errors_apart = true;
  return spec;
}

static bool open_everything(mode_t umask_of_child, const char **step) {
  *step = "records";
  if ((keeper.exit_fd = record_reserve("exit")) < 0 || (keeper.closed_fd = record_reserve("closed")) < 0) return false;
  *step = "spool";
  if (!spool_open(&keeper.spool, keeper.spec.quota)) return false;
  *step = "socket";
  if (!serve_open()) return false;
  *step = "signals";
  if ((keeper.wake = wake_open()) < 0) return false;
  mark_environment(&keeper.spec);
  if (keeper.spec.via_argv[0] != NULL) transport_open();
  struct spec spec = what_to_fork();
  if (!child_fork(&keeper.child, &spec, umask_of_child, step)) return false;
  *step = "identity";
  return keeper.child.tick != 0;
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
  if (!child_open_gate(&keeper.child)) return failed_start("gate", errno), false;
  keeper.starting = true;
  test_point(6);
  return true;
}

/* ---- output: what is read goes to the spool; while something is held for a full disk, nothing more is read ---- */

static size_t read_output(size_t most) {
  size_t have = child_read(&keeper.child, chunk, most < sizeof chunk ? most : sizeof chunk);
  if (keeper.child.output < 0) keeper.output_ended = true;
  (void)spool_put(&keeper.spool, chunk, have); /* one chunk always has room */
  return have;
}

/* ---- end ---- */

/* The child is dead, so all it wrote is there: exactly what a pipe says it holds, or a terminal until it has no more. */
static void read_what_is_there(void) {
  size_t left = child_last_output(&keeper.child);
  if (keeper.spool.held != NULL) spool_retry(&keeper.spool);
  while (left > 0 && keeper.spool.held == NULL && keeper.child.output >= 0) {
    size_t got = read_output(left);
    if (got == 0) break;
    left -= got;
  }
}

void tell_exit(const struct death *death) {
  static const char *const steps[] = {"itself", "signal", "kill"};
  bool held = keeper.spool.held != NULL;
  uint64_t bytes = keeper.spool.length + (held ? keeper.spool.held_length + (transport.used ? 0 : child_waiting(&keeper.child)) : 0);
  record_begin(&keeper.exit_record);
  if (death != NULL)
    record_add(&keeper.exit_record, "kind=exited\n%s=%d\ncore=%d\nended_by=%s\n", death->by_signal ? "signal" : "code",
               death->which, death->core, steps[death->ended_by]);
  else
    record_add(&keeper.exit_record, "kind=lost\nreason=transport_gone\n");
  record_add(&keeper.exit_record, "ended=%lld\nbytes=%llu\nmark=%s\n", (long long)now_ms(), (unsigned long long)bytes,
             keeper.spec.mark);
  if (death == NULL) record_words(&keeper.exit_record, transport.words, transport.words_length);
  record_sign(&keeper.exit_record, "exit", keeper.spec.secret);
  (void)record_fill(keeper.exit_fd, &keeper.exit_record); /* its space is reserved; on a broken disk the hosts still hear */
  keeper.exited = true;
  serve_end(EXITED, &keeper.exit_record);
}

static void child_died(int status) {
  struct death death = {.by_signal = WIFSIGNALED(status), .ended_by = ending_step(&keeper.ending)};
  death.which = death.by_signal ? WTERMSIG(status) : WEXITSTATUS(status);
#ifdef WCOREDUMP
  death.core = death.by_signal && WCOREDUMP(status);
#endif
  read_what_is_there();
  tell_exit(&death);
  input_drop(&keeper.input, &keeper.child);
}

static unsigned stragglers(void) {
  if (transport.used) return transport.stragglers;
  return keeper.no_children ? 0 : tree_count();
}

static void write_closed(void) {
  record_begin(&keeper.closed_record);
  record_add(&keeper.closed_record, "bytes=%llu\nstragglers=%u\nended=%lld\nmark=%s\n",
             (unsigned long long)keeper.spool.length, stragglers(), (long long)now_ms(),
             keeper.spec.mark);
  record_sign(&keeper.closed_record, "closed", keeper.spec.secret);
  (void)record_fill(keeper.closed_fd, &keeper.closed_record);
  keeper.closed = true;
  serve_end(CLOSED, &keeper.closed_record);
}

/* A process closes its files a moment before it is dead: whoever just ended the output is no straggler yet. */
static void close_when_settled(void) {
  if (keeper.close_at == 0) keeper.close_at = monotonic_ms() + DYING_MS;
  if (transport.used || keeper.no_children || monotonic_ms() >= keeper.close_at) write_closed();
}

void tell_runs(void) {
  keeper.starting = false;
  release_spec(&keeper.spec);
  for (char *end = keeper.runs; (end = strchr(end, '\n')) != NULL;) *end = ' ';
  reply("%s ok %s\n", keeper.runs, 0);
}

static bool read_report(void) {
  struct start_failure failure;
  switch (child_report(&keeper.child, &failure)) {
    case REPORT_FAILED:
      failed_start(transport.used ? "transport" : start_steps[failure.step], failure.error);
      return false;
    case REPORT_RUNS:
      if (!transport.used) tell_runs(); /* else the way in runs, and no more than that */
      return true;
    default: return true;
  }
}

/* As sub-reaper it gets every orphan of the tree. No child left at all is the proof that the tree is gone. */
static void reap(void) {
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    if (pid != keeper.child.pid) continue;
    if (transport.used) transport_left();
    else if (!keeper.exited) child_died(status);
  }
  keeper.no_children = pid < 0 && errno == ECHILD;
}

/* ---- the one kill procedure ---- */

static pid_t unreaped_child(void) {
  return (transport.used ? transport.left : keeper.exited) ? 0 : keeper.child.pid;
}

static void stop_groups(void) {
  ending_note(&keeper.ending, unreaped_child(), SIGKILL);
  groups_stop(&keeper.spec.groups);
}

void begin_kill(int first_signal, uint32_t grace_ms) {
  if (first_signal == SIGKILL) stop_groups();
  if (keeper.no_children) keeper.ending.begun |= grace_ms > 0; /* there is only an answer to give */
  else ending_begin(&keeper.ending, unreaped_child(), first_signal, grace_ms);
}

static void continue_kill(void) {
  if (keeper.no_children) {
    keeper.ending.begun = false;
    serve_answer_kills();
  } else if (monotonic_ms() >= keeper.ending.insist_at) {
    stop_groups();
    ending_continue(&keeper.ending, unreaped_child());
  }
}

/* ---- the loop ---- */

static int patience(void) {
  int64_t until = INT64_MAX, now = monotonic_ms();
  if (keeper.spool.held != NULL) until = keeper.spool.retry_at;
  if (keeper.ending.begun && keeper.ending.insist_at < until) until = keeper.ending.insist_at;
  if (keeper.close_at != 0 && !keeper.closed && keeper.close_at < until) until = keeper.close_at;
  int64_t others = transport_patience();
  if (others < until) until = others;
  if (until == INT64_MAX) return -1;
  return until <= now ? 0 : until - now > 60000 ? 60000 : (int)(until - now);
}

static void wake_up(void) {
  if (wake_heard() && !transport_kill(NULL, 0, SIGTERM, LAST_GRACE_MS)) begin_kill(SIGTERM, LAST_GRACE_MS);
}

enum { WAKE, REPORT, OUTPUT_READY, TYPED, ERRORS, LISTENER, HOSTS, WATCHED = HOSTS + MAX_CONNECTIONS };

static void look_at(struct pollfd fds[WATCHED]) {
  const struct child *child = &keeper.child;
  bool typed = keeper.input.length > 0;
  fds[WAKE] = (struct pollfd){.fd = keeper.wake, .events = POLLIN};
  fds[REPORT] = (struct pollfd){.fd = child->report, .events = POLLIN};
  fds[OUTPUT_READY] = (struct pollfd){.fd = keeper.spool.held == NULL ? child->output : -1, .events = POLLIN};
  fds[TYPED] = (struct pollfd){.fd = typed ? child->input : -1, .events = POLLOUT};
  fds[ERRORS] = (struct pollfd){.fd = -1, .events = POLLIN};
  if (transport.used) transport_look(&fds[TYPED], &fds[OUTPUT_READY], &fds[ERRORS]);
  fds[LISTENER] = (struct pollfd){.fd = keeper.listener, .events = POLLIN};
  for (int i = 0; i < MAX_CONNECTIONS; i++) {
    const struct connection *one = &keeper.connections[i];
    fds[HOSTS + i] = (struct pollfd){.fd = one->fd, .events = POLLIN};
    if (one->out.length > 0) fds[HOSTS + i].events |= POLLOUT;
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
  struct spool *spool = &keeper.spool;
  if (spool->held != NULL && monotonic_ms() >= spool->retry_at) spool_retry(spool);
  if (transport.used) transport_move(&fds[TYPED], &fds[OUTPUT_READY], &fds[ERRORS]);
  else if (fds[OUTPUT_READY].revents != 0 && spool->held == NULL && keeper.child.output >= 0) (void)read_output(CHUNK);
  if (keeper.exited && keeper.output_ended && spool->held == NULL && !keeper.closed) close_when_settled();
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
  if (!transport.used && fds[TYPED].revents != 0 && keeper.child.input >= 0) input_drain(&keeper.input, &keeper.child);
  hear_hosts(fds);
  if (keeper.ending.begun) continue_kill();
  if (keeper.failing && keeper.no_children) return failed_start(transport.failed_step, transport.failed_error), false;
  return true;
}

int keep(const char *directory, int reply_to, mode_t umask_of_child) {
  const char *slash = strrchr(directory, '/');
  keeper = (struct keeper){.name = slash != NULL ? slash + 1 : directory, .listener = -1, .exit_fd = -1, .closed_fd = -1, .reply = reply_to, .wake = -1};
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
  bool limited = false;
  if (argc >= 6 && strcmp(argv[1], "same") == 0 && (strcmp(argv[5], "inside") == 0 || strcmp(argv[5], "limits") == 0)) {
    if (!folder_is(argv[2], argv[3], argv[4])) return 1;
    argc -= 4, argv += 4;
  }
  if (argc >= 3 && strcmp(argv[1], "limits") == 0 && strcmp(argv[2], "inside") == 0) limited = true, argc--, argv++;
  if ((argc == 2 || argc == 3) && strcmp(argv[1], "inside") == 0) return inside(limited); /* a third word says to others whose it is */
  if (argc >= 3 && strcmp(argv[1], "supervise") == 0) return supervise(argc - 2, argv + 2);
  if (argc == 2 && strcmp(argv[1], "version") == 0) return printf("%d\n", PROTOCOL_VERSION) < 0;
  fprintf(stderr, "usage: keeper launch [OPEN_FILES] | keeper [same BOOT_ID DEVICE:INODE FOLDER] [limits] inside [NAME] | keeper supervise --log FILE -- COMMAND… | keeper version\n");
  return 2;
}
