/* SPDX-License-Identifier: MIT */
/* machine.c: where and when a measurement was made. */
#include "machine.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define VULNERABILITIES "/sys/devices/system/cpu/vulnerabilities"

static void read_cpu(struct machine *machine)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[256];

	snprintf(machine->cpu, sizeof(machine->cpu), "unknown");
	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		char *value = strstr(line, ": ");

		if (strncmp(line, "model name", 10) != 0 || !value)
			continue;
		value += 2;
		value[strcspn(value, "\n")] = '\0';
		snprintf(machine->cpu, sizeof(machine->cpu), "%.120s", value);
		break;
	}
	fclose(file);
}

static void read_line(const char *directory, const char *name, char *out,
		      size_t size)
{
	char path[512];
	FILE *file;

	out[0] = '\0';
	snprintf(path, sizeof(path), "%s/%.200s", directory, name);
	file = fopen(path, "re");
	if (!file)
		return;
	if (!fgets(out, (int)size, file))
		out[0] = '\0';
	out[strcspn(out, "\n")] = '\0';
	fclose(file);
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Those that this processor isn't affected by are left out. */
static void read_mitigations(struct machine *machine)
{
	size_t size = sizeof(machine->mitigations), length = 0;
	struct dirent **entries;
	int n = scandir(VULNERABILITIES, &entries, is_visible, alphasort);

	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;
		char text[256];

		read_line(VULNERABILITIES, name, text, sizeof(text));
		if (text[0] && strcmp(text, "Not affected") != 0 &&
		    length < size)
			length += (size_t)snprintf(
				machine->mitigations + length, size - length,
				"%s%s: %s", length ? "; " : "", name, text);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	if (length == 0)
		snprintf(machine->mitigations, size, "none");
}

void machine_read(struct machine *machine)
{
	struct utsname name;
	time_t now = time(NULL);
	struct tm utc;

	memset(machine, 0, sizeof(*machine));
	read_cpu(machine);
	read_mitigations(machine);
	machine->cores = sysconf(_SC_NPROCESSORS_ONLN);
	if (uname(&name))
		memset(&name, 0, sizeof(name));
	snprintf(machine->kernel, sizeof(machine->kernel), "%s %s %s",
		 name.sysname, name.release, name.machine);
	if (gmtime_r(&now, &utc))
		strftime(machine->date, sizeof(machine->date),
			 "%Y-%m-%dT%H:%M:%SZ", &utc);
	if (getloadavg(&machine->load, 1) < 1)
		machine->load = 0;
}
