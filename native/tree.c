/* The descendants of this keeper. It is their sub-reaper: whoever loses a parent becomes its child, so none escapes. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

#include "keeper.h"

#ifdef __linux__
struct process { pid_t pid, parent; uint64_t tick; unsigned depth; char state; };
struct list { struct process *all; size_t count; };

static int by_pid(const void *a, const void *b) {
  const struct process *left = a, *right = b;
  return (left->pid > right->pid) - (left->pid < right->pid);
}

static int deepest_first(const void *a, const void *b) {
  const struct process *left = a, *right = b;
  return (left->depth < right->depth) - (left->depth > right->depth);
}

static struct list all_processes(void) {
  struct list list = {0};
  size_t room = 0;
  DIR *proc = opendir("/proc");
  if (proc == NULL) return list;
  for (struct dirent *entry; (entry = readdir(proc)) != NULL;) {
    struct process found = {.pid = (pid_t)atoi(entry->d_name)};
    if (found.pid <= 0 || !process_facts(found.pid, &found.tick, &found.state, &found.parent)) continue;
    if (list.count == room) {
      struct process *grown = realloc(list.all, (room = room * 2 + 256) * sizeof *grown);
      if (grown == NULL) break;
      list.all = grown;
    }
    list.all[list.count++] = found;
  }
  closedir(proc);
  return list;
}

/* Keeps only the living descendants of this process, deepest first. */
static struct list descendants(void) {
  struct list list = all_processes();
  if (list.count == 0) return list;
  qsort(list.all, list.count, sizeof *list.all, by_pid);
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = 0; i < list.count; i++) {
      struct process *one = &list.all[i], key = {.pid = one->parent};
      if (one->depth > 0) continue;
      const struct process *parent = bsearch(&key, list.all, list.count, sizeof key, by_pid);
      if (one->parent == getpid()) one->depth = 1;
      else if (parent != NULL && parent->depth > 0) one->depth = parent->depth + 1;
      changed |= one->depth > 0;
    }
  }
  size_t kept = 0;
  for (size_t i = 0; i < list.count; i++)
    if (list.all[i].depth > 0 && list.all[i].state != 'Z' && list.all[i].state != 'X') list.all[kept++] = list.all[i];
  list.count = kept;
  qsort(list.all, list.count, sizeof *list.all, deepest_first);
  return list;
}

/* Through a handle that was checked after it was opened: a pid that changed hands in between is left alone. */
static void signal_exactly(const struct process *one, int signal) {
  uint64_t tick;
#if defined(SYS_pidfd_open) && defined(SYS_pidfd_send_signal)
  int handle = (int)syscall(SYS_pidfd_open, one->pid, 0);
  if (handle >= 0) {
    if (process_facts(one->pid, &tick, NULL, NULL) && tick == one->tick)
      (void)syscall(SYS_pidfd_send_signal, handle, signal, NULL, 0);
    close(handle);
    return;
  }
  if (errno == ESRCH) return;
#endif
  if (process_facts(one->pid, &tick, NULL, NULL) && tick == one->tick) (void)kill(one->pid, signal);
}

static bool seen(const struct list *list, const struct process *one) {
  for (size_t i = 0; i < list->count; i++)
    if (list->all[i].pid == one->pid && list->all[i].tick == one->tick) return true;
  return false;
}

/* A process may be reparented, or born, while we look: look again until a look finds nobody new. */
void tree_signal(int signal, pid_t leader) {
  struct list told = {0};
  bool found = false;
  for (int look = 0; look < 5; look++) {
    struct list now = descendants();
    bool fresh = false;
    for (size_t i = 0; i < now.count; i++) {
      if (seen(&told, &now.all[i])) continue;
      fresh = found = true;
      signal_exactly(&now.all[i], signal);
      if (signal != SIGKILL && now.all[i].state == 'T') signal_exactly(&now.all[i], SIGCONT);
    }
    free(told.all);
    told = now;
    if (!fresh) break;
  }
  free(told.all);
  if (getpid() == 1 && (signal == SIGKILL || !found)) {
    (void)kill(-1, signal); /* everybody here is ours, also who forks faster than we look */
    if (signal != SIGKILL) (void)kill(-1, SIGCONT);
  } else if (!found && leader > 0) {
    (void)kill(-leader, signal); /* a sandbox without /proc */
    if (signal != SIGKILL) (void)kill(-leader, SIGCONT);
  }
}

bool tree_visible(void) {
  uint64_t tick;
  return process_facts(getpid(), &tick, NULL, NULL);
}

unsigned tree_count(void) {
  struct list now = descendants();
  free(now.all);
  return (unsigned)now.count;
}

#else /* best effort: the child's process group, as long as the child itself proves that the group is ours */
void tree_signal(int signal, pid_t leader) {
  if (leader <= 0) return;
  if (kill(-leader, signal) != 0) (void)kill(leader, signal);
  if (signal != SIGKILL) (void)kill(-leader, SIGCONT);
}

bool tree_visible(void) { return true; }

unsigned tree_count(void) { return 0; }
#endif
