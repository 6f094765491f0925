/* Output on disk: segments named by the offset of their first byte, so that a listing of the directory is the index. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keeper.h"

enum { SEGMENTS = 16, MIN_SEGMENT = 4096, RETRY_MS = 100 };
static char first_held[CHUNK]; /* one chunk needs no memory that might not be there */

static int open_segment(uint64_t start) {
  char name[40];
  snprintf(name, sizeof name, "spool.%" PRIu64, start);
  return open(name, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
}

bool spool_open(struct spool *spool, uint64_t quota) {
  uint64_t segment = quota / SEGMENTS < MIN_SEGMENT ? MIN_SEGMENT : quota / SEGMENTS;
  *spool = (struct spool){.quota = quota, .segment = segment};
  spool->fd = open_segment(0);
  return spool->fd >= 0;
}

/* The oldest segments make room before the new one begins, so that the quota holds at every moment. */
static bool next_segment(struct spool *spool) {
  int fd = open_segment(spool->length);
  if (fd < 0) return false;
  close(spool->fd);
  spool->fd = fd;
  spool->start = spool->length;
  while (spool->first < spool->start && spool->length - spool->first + spool->segment > spool->quota) {
    char name[40];
    snprintf(name, sizeof name, "spool.%" PRIu64, spool->first);
    if (unlink(name) != 0 && errno != ENOENT) break;
    spool->first += spool->segment;
  }
  return true;
}

static size_t spool_write(struct spool *spool, const char *bytes, size_t count) {
  size_t done = 0;
  spool->failure = 0;
  while (done < count) {
    if (spool->length - spool->start == spool->segment && !next_segment(spool)) break;
    uint64_t room = spool->segment - (spool->length - spool->start);
    size_t part = count - done < room ? count - done : (size_t)room;
    ssize_t wrote = write(spool->fd, bytes + done, part);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) break;
    done += (size_t)wrote;
    spool->length += (uint64_t)wrote;
  }
  if (done < count) spool->failure = errno;
  return done;
}

/* What a full disk refuses is held, and nothing is dropped. Whoever reads for this spool stops while something is held. */
bool spool_put(struct spool *spool, const char *bytes, size_t count) {
  size_t done = spool->held == NULL ? spool_write(spool, bytes, count) : 0, left = count - done;
  if (left == 0) return true;
  size_t whole = spool->held_length + left;
  if (spool->held == NULL) spool->held = first_held;
  if (whole > sizeof first_held) {
    char *grown = realloc(spool->held == first_held ? NULL : spool->held, whole);
    if (grown == NULL) return false;
    if (spool->held == first_held) memcpy(grown, first_held, spool->held_length);
    spool->held = grown;
  }
  memcpy(spool->held + spool->held_length, bytes + done, left);
  spool->held_length = whole;
  if (done > 0 || spool->retry_at == 0) spool->retry_at = monotonic_ms() + RETRY_MS;
  return true;
}

void spool_retry(struct spool *spool) {
  size_t done = spool_write(spool, spool->held, spool->held_length);
  spool->held_length -= done;
  spool->retry_at = monotonic_ms() + RETRY_MS;
  if (spool->held_length > 0) {
    memmove(spool->held, spool->held + done, spool->held_length);
    return;
  }
  if (spool->held != first_held) free(spool->held);
  spool->held = NULL;
  spool->retry_at = 0;
}
