/* Whether a folder in a sandbox is the one that was meant: a link that is put into the way between the look at it and its
   mount leads elsewhere, and then nothing may run. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "keeper.h"

/* Under another kernel (a virtual machine's) numbers of folders mean something else. */
static bool same_kernel(const char *boot_id) {
  char id[64] = "";
  FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
  if (file == NULL) return false;
  bool read = fgets(id, sizeof id, file) != NULL;
  (void)fclose(file);
  id[strcspn(id, "\n")] = '\0';
  return read && strcmp(id, boot_id) == 0;
}

bool folder_is(const char *boot_id, const char *numbers, const char *path) {
  struct stat folder;
  char found[64];
  if (!same_kernel(boot_id)) return true;
  if (lstat(path, &folder) != 0) return perror(path), false;
  (void)snprintf(found, sizeof found, "%llu:%llu", (unsigned long long)folder.st_dev, (unsigned long long)folder.st_ino);
  if (strcmp(found, numbers) == 0) return true;
  fprintf(stderr, "%s is not the folder any more that it was when it was looked at: something has been put in its place\n", path);
  return false;
}
