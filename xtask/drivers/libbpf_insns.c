// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * What libbpf would hand to the kernel for one object, as one JSON object on standard output.
 *
 *     libbpf_insns OBJECT          once, with everything it would load
 *     libbpf_insns OBJECT ROUNDS   milliseconds of opening, loading, and of reading the kernel's BTF
 *
 * The driver defines syscall() itself, so every bpf(2) call libbpf makes ends here and none reaches
 * the kernel: no privilege is needed and nothing is loaded. Maps and programs get descriptors of
 * /dev/null; the attributes of each call are kept beside them. If the object does not load as a
 * whole, each program is tried alone, so that one bad attach target does not hide the others.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#define FDS 4096
#define UPDATES 65536

struct map_call {
	bool used, frozen;
	char name[BPF_OBJ_NAME_LEN];
	uint32_t type, key_size, value_size, max_entries, flags;
	uint64_t extra;
	/* libbpf closes the descriptor of the inner map once the outer one is made. */
	struct map_call *inner;
};

struct update {
	int map_fd;
	uint32_t key, value;
	bool removed;
	unsigned char *bytes;
};

static struct map_call maps[FDS];
static char *program_of_fd[FDS];
static struct update updates[UPDATES];
static unsigned update_count, bpf_calls;
static struct bpf_object *current;
static char last_message[512];

/* ---- JSON, just enough ---- */

static bool first = true;
static void separate(void)
{
	if (!first)
		putchar(',');
	first = false;
}
static void text(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		unsigned char c = *s;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}
static void key(const char *name) { separate(); text(name); putchar(':'); }
static void string(const char *name, const char *value)
{
	key(name);
	value ? text(value) : (void)fputs("null", stdout);
}
static void number(const char *name, long long value) { key(name); printf("%lld", value); }
static void hex(const char *name, const void *bytes, size_t length)
{
	const unsigned char *b = bytes;

	key(name);
	putchar('"');
	for (size_t i = 0; i < length; i++)
		printf("%02x", b[i]);
	putchar('"');
}
static void open_list(const char *name, char bracket) { name ? key(name) : separate(); putchar(bracket); first = true; }
static void close_list(char bracket) { putchar(bracket); first = false; }

/* ---- the kernel that is not there ---- */

static int descriptor(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0 || fd >= FDS) {
		fprintf(stderr, "out of descriptors\n");
		exit(4);
	}
	return fd;
}

static int silent(enum libbpf_print_level level, const char *format, va_list list)
{
	(void)level, (void)format, (void)list;
	return 0;
}

static bool is_known_section(const char *section)
{
	libbpf_print_fn_t before = libbpf_set_print(silent);
	enum bpf_prog_type type;
	enum bpf_attach_type attach;
	/* "?" only says that the program is not loaded by default. */
	int error = libbpf_prog_type_by_name(section + (section[0] == '?'), &type, &attach);

	libbpf_set_print(before);
	return !error && type != BPF_PROG_TYPE_UNSPEC;
}

static void emit_program(struct bpf_program *program, const union bpf_attr *attr)
{
	open_list(NULL, '{');
	string("name", bpf_program__name(program));
	string("section", bpf_program__section_name(program));
	number("type", attr->prog_type);
	number("known_section", is_known_section(bpf_program__section_name(program)));
	number("expected_attach_type", attr->expected_attach_type);
	number("attach_btf_id", attr->attach_btf_id);
	number("flags", attr->prog_flags);
	number("kernel_version", attr->kern_version);
	string("license", (const char *)(uintptr_t)attr->license);
	number("func_infos", attr->func_info_cnt);
	number("line_infos", attr->line_info_cnt);
	hex("insns", (const void *)(uintptr_t)attr->insns, (size_t)attr->insn_cnt * 8);
	close_list('}');
}

static struct bpf_program *program_with(const void *insns)
{
	struct bpf_program *program;

	if (!current)
		return NULL;
	bpf_object__for_each_program(program, current)
		if (bpf_program__insns(program) == insns)
			return program;
	return NULL;
}

static long fail(int number) { errno = number; return -1; }

static long pretend(int command, union bpf_attr *attr)
{
	struct bpf_program *program;
	int fd;

	bpf_calls++;
	switch (command) {
	case BPF_PROG_LOAD:
		/* Probes of kernel features load programs too; those are nobody's instructions here. */
		program = program_with((const void *)(uintptr_t)attr->insns);
		fd = descriptor();
		if (program) {
			emit_program(program, attr);
			program_of_fd[fd] = strdup(bpf_program__name(program));
		}
		return fd;
	case BPF_MAP_CREATE:
		fd = descriptor();
		maps[fd] = (struct map_call){
			.used = true, .type = attr->map_type, .key_size = attr->key_size,
			.value_size = attr->value_size, .max_entries = attr->max_entries,
			.flags = attr->map_flags, .extra = attr->map_extra,
		};
		if (attr->inner_map_fd && attr->inner_map_fd < FDS && maps[attr->inner_map_fd].used) {
			maps[fd].inner = malloc(sizeof(struct map_call));
			*maps[fd].inner = maps[attr->inner_map_fd];
		}
		memcpy(maps[fd].name, attr->map_name, sizeof(maps[fd].name));
		/* The descriptor may have been another map's before. */
		for (unsigned i = 0; i < update_count; i++)
			if (updates[i].map_fd == fd)
				updates[i].removed = true;
		return fd;
	case BPF_MAP_UPDATE_ELEM: {
		struct map_call *map = &maps[attr->map_fd];
		struct update *update = &updates[update_count];

		if (attr->map_fd >= FDS || !map->used || map->key_size != 4 || update_count == UPDATES)
			return 0;
		update->map_fd = attr->map_fd;
		memcpy(&update->key, (const void *)(uintptr_t)attr->key, 4);
		if (map->type == BPF_MAP_TYPE_ARRAY) {
			update->bytes = malloc(map->value_size);
			memcpy(update->bytes, (const void *)(uintptr_t)attr->value, map->value_size);
		} else {
			memcpy(&update->value, (const void *)(uintptr_t)attr->value, 4);
		}
		update_count++;
		return 0;
	}
	case BPF_MAP_FREEZE:
		maps[attr->map_fd].frozen = true;
		return 0;
	case BPF_BTF_LOAD:
		return descriptor();
	case BPF_OBJ_GET_INFO_BY_FD:
		memset((void *)(uintptr_t)attr->info.info, 0, attr->info.info_len);
		return 0;
	case BPF_LINK_CREATE:
		/* The answer that tells libbpf the command is known. */
		return fail(EBADF);
	case BPF_OBJ_GET:
	case BPF_BTF_GET_NEXT_ID:
	case BPF_PROG_GET_NEXT_ID:
	case BPF_MAP_GET_NEXT_ID:
	case BPF_MAP_LOOKUP_ELEM:
		return fail(ENOENT);
	default:
		return 0;
	}
}

long syscall(long nr, ...)
{
	long a[6];
	va_list list;
	static long (*real)(long, ...);

	va_start(list, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	if (nr == SYS_bpf)
		return pretend((int)a[0], (union bpf_attr *)a[1]);
	/* libbpf probes with an event whether the kernel has kprobes of a kind. */
	if (nr == SYS_perf_event_open)
		return descriptor();
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "syscall");
	return real(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* ---- the object ---- */

static int remember(enum libbpf_print_level level, const char *format, va_list list)
{
	char line[sizeof(last_message)];

	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(line, sizeof(line), format, list);
	line[strcspn(line, "\n")] = 0;
	/* The last lines only say that it "failed to load": the reason is what came before. */
	if (!strstr(line, "failed to load"))
		memcpy(last_message, line, sizeof(line));
	return 0;
}

static struct bpf_object *open_object(const char *path)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program;
	struct bpf_map *map;

	if (!object)
		return NULL;
	bpf_object__for_each_program(program, object) {
		bpf_program__set_autoload(program, true);
		/* An unknown section name: instructions can be compared all the same. */
		if (bpf_program__type(program) == BPF_PROG_TYPE_UNSPEC)
			bpf_program__set_type(program, BPF_PROG_TYPE_SOCKET_FILTER);
	}
	/* Pinning would make folders in the file system. */
	bpf_object__for_each_map(map, object)
		if (bpf_map__pin_path(map))
			bpf_map__set_pin_path(map, NULL);
	return object;
}

static double milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static void emit_maps(struct bpf_object *object)
{
	struct bpf_map *map;
	int fd;

	bpf_object__for_each_map(map, object) {
		fd = bpf_map__fd(map);
		if (fd < 0 || fd >= FDS || !maps[fd].used)
			continue;
		open_list(NULL, '{');
		string("name", bpf_map__name(map));
		number("fd", fd);
		number("type", maps[fd].type);
		number("key_size", maps[fd].key_size);
		number("value_size", maps[fd].value_size);
		number("max_entries", maps[fd].max_entries);
		number("flags", maps[fd].flags);
		number("extra", maps[fd].extra);
		number("frozen", maps[fd].frozen);
		if (maps[fd].inner) {
			struct map_call *inner = maps[fd].inner;

			open_list("inner", '{');
			number("type", inner->type);
			number("key_size", inner->key_size);
			number("value_size", inner->value_size);
			number("max_entries", inner->max_entries);
			number("flags", inner->flags);
			number("extra", inner->extra);
			close_list('}');
		}
		open_list("updates", '[');
		for (unsigned i = 0; i < update_count; i++) {
			struct update *update = &updates[i];

			if (update->map_fd != fd || update->removed)
				continue;
			open_list(NULL, '{');
			number("key", update->key);
			if (update->bytes)
				hex("bytes", update->bytes, maps[fd].value_size);
			else if (update->value < FDS && program_of_fd[update->value])
				string("program", program_of_fd[update->value]);
			else
				number("value", update->value);
			close_list('}');
		}
		close_list(']');
		close_list('}');
	}
}

static void list_times(const char *name, const double *times, int rounds)
{
	open_list(name, '[');
	for (int i = 0; i < rounds; i++) {
		separate();
		printf("%.4f", times[i]);
	}
	close_list(']');
}

static int measure(const char *path, int rounds)
{
	double opening[100], loading[100], reading[100];

	if (rounds < 1 || rounds > 100)
		return 2;
	for (int i = 0; i < rounds; i++) {
		double start = milliseconds(), opened, loaded;
		struct bpf_object *object = open_object(path);
		struct btf *btf;

		opened = milliseconds();
		if (!object || bpf_object__load(object))
			return 1;
		loaded = milliseconds();
		bpf_object__close(object);
		opening[i] = opened - start;
		loading[i] = loaded - opened;
		start = milliseconds();
		btf = btf__load_vmlinux_btf();
		reading[i] = milliseconds() - start;
		btf__free(btf);
	}
	open_list(NULL, '{');
	list_times("open_ms", opening, rounds);
	list_times("load_ms", loading, rounds);
	list_times("btf_ms", reading, rounds);
	close_list('}');
	putchar('\n');
	return 0;
}

int main(int count, char **arguments)
{
	struct bpf_program *program;
	const char *path;
	int error = 0;

	if (count < 2) {
		fprintf(stderr, "usage: %s OBJECT [ROUNDS]\n", arguments[0]);
		return 2;
	}
	path = arguments[1];
	libbpf_set_print(remember);
	if (count > 2)
		return measure(path, atoi(arguments[2]));

	open_list(NULL, '{');
	string("version", libbpf_version_string());
	open_list("programs", '[');
	current = open_object(path);
	error = current ? bpf_object__load(current) : -errno;
	close_list(']');
	number("error", error);
	string("message", error ? last_message : NULL);
	number("bpf_calls", bpf_calls);
	open_list("maps", '[');
	if (current && !error)
		emit_maps(current);
	close_list(']');

	/* One at a time: what did not load, and why. */
	open_list("alone", '[');
	for (unsigned n = 0; error && current; n++) {
		struct bpf_object *object = open_object(path);
		struct bpf_program *chosen = NULL;
		unsigned i = 0;
		int alone;

		if (!object)
			break;
		bpf_object__for_each_program(program, object) {
			bpf_program__set_autoload(program, i == n);
			if (i++ == n)
				chosen = program;
		}
		if (!chosen) {
			bpf_object__close(object);
			break;
		}
		last_message[0] = 0;
		current = object;
		open_list(NULL, '{');
		string("name", bpf_program__name(chosen));
		open_list("programs", '[');
		alone = bpf_object__load(object);
		close_list(']');
		number("error", alone);
		string("message", alone ? last_message : NULL);
		open_list("maps", '[');
		emit_maps(object);
		close_list(']');
		close_list('}');
		/* Not closed: its descriptors would be given out again. */
	}
	close_list(']');
	close_list('}');
	putchar('\n');
	return 0;
}
