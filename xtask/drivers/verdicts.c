// SPDX-License-Identifier: MIT OR Apache-2.0
/* Asks the kernel's verifier about tiny programs and prints what it says.
 *
 * A line of input is a question: program type, expected attach type, load flags, BTF id of what it
 * attaches to, licence (one word), instructions in hexadecimal; or "map" and a map type. A line of output
 * is the answer: the errno (0: accepted), a space, and the log with its line ends as \n and its
 * backslashes doubled. With the argument "bpf" or "none" it asks with those rights only. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/capability.h>
#include <sys/syscall.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define INSNS_MAX 64
#define LOG_BYTES (1 << 16)

static char line[16 * INSNS_MAX + 256];
static char digits[16 * INSNS_MAX + 1];
static char log_text[LOG_BYTES];

/* Number of instructions; 0 if the digits are not right. */
static size_t parse(struct bpf_insn *insns)
{
	size_t bytes = strlen(digits) / 2;
	unsigned char *out = (unsigned char *)insns;

	if (bytes % sizeof(*insns) || bytes > INSNS_MAX * sizeof(*insns))
		return 0;
	for (size_t at = 0; at < bytes; at++) {
		unsigned int byte;

		if (sscanf(digits + 2 * at, "%2x", &byte) != 1)
			return 0;
		out[at] = byte;
	}
	return bytes / sizeof(*insns);
}

/* 0 if a map of this type can be made. What types ask for besides sizes, libbpf knows; younger ones than
 * it are made here. */
static int make_map(unsigned int type)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int fd;

	if (type < 33)
		return libbpf_probe_bpf_map_type(type, NULL) == 1 ? 0 : EINVAL;
	fd = bpf_map_create(type, "verdict", 0, 0, 1, &opts);
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

/* Gives rights away: all, or all that see kernel memory. */
static int drop(const char *left)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2] = {};

	if (!strcmp(left, "bpf")) {
		sets[CAP_NET_ADMIN / 32].effective |= 1u << (CAP_NET_ADMIN % 32);
		sets[CAP_BPF / 32].effective |= 1u << (CAP_BPF % 32);
	}
	for (int at = 0; at < 2; at++)
		sets[at].permitted = sets[at].effective;
	return syscall(SYS_capset, &header, sets);
}

int main(int argc, char **argv)
{
	unsigned int map_type;

	if (argc > 1 && drop(argv[1]))
		return 3;
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "map %u", &map_type) == 1) {
			printf("%d \n", make_map(map_type));
			continue;
		}
		struct bpf_insn insns[INSNS_MAX];
		unsigned int type, attach, flags, btf_id;
		char license[64];
		int fd;

		if (sscanf(line, "%u %u %u %u %63s %1024s", &type, &attach, &flags, &btf_id,
			   license, digits) != 6)
			return 2;
		size_t count = parse(insns);
		if (!count)
			return 2;
		LIBBPF_OPTS(bpf_prog_load_opts, opts,
			    .expected_attach_type = attach,
			    .prog_flags = flags,
			    .attach_btf_id = btf_id,
			    .log_level = 2,
			    .log_buf = log_text,
			    .log_size = sizeof(log_text));
		log_text[0] = '\0';
		fd = bpf_prog_load(type, "verdict", license, insns, count, &opts);
		printf("%d ", fd < 0 ? errno : 0);
		for (const char *at = log_text; *at; at++) {
			if (*at == '\n')
				fputs("\\n", stdout);
			else if (*at == '\\')
				fputs("\\\\", stdout);
			else
				putchar(*at);
		}
		putchar('\n');
		if (fd >= 0)
			close(fd);
	}
	return 0;
}
