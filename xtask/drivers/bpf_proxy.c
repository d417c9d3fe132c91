// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Makes the system calls another process asks for: bpf(2) with any attributes and buffers, and the
 * file operations around pins. It knows no command and no map: requests say where pointers go.
 *
 * It lives in mount and network namespaces of its own, with an empty bpffs on /sys/fs/bpf, so that
 * nothing it makes outlives it or is seen by others. Each request is a number, then what belongs to
 * it; each answer begins with a 64-bit result, errors negative. Numbers are 32-bit, little-endian.
 *
 *   bpf    0  command size length attr[length] count { offset length bytes }*
 *             -> result attr[length] { bytes }*
 *   close  1  fd          mkdir 2 path     rmdir 3 path    unlink 4 path
 *   rename 5  path path   open  6 path     reset 7         read   8 fd length -> result bytes
 *   perf_event_open 9  type config(64)   for this process, on any CPU
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <net/if.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BPFFS "/sys/fs/bpf"
#define PAGE 4096UL
#define BUFFERS_MAX 32

static void take(void *to, size_t length)
{
	/* The end of the requests is the end of the work. */
	if (length && fread(to, length, 1, stdin) != 1)
		exit(0);
}

static uint32_t take_u32(void)
{
	uint32_t value;

	take(&value, sizeof(value));
	return value;
}

static void give(const void *from, size_t length)
{
	if (length && fwrite(from, length, 1, stdout) != 1)
		exit(1);
}

static void give_result(int64_t result)
{
	give(&result, sizeof(result));
}

/* Memory that ends where readable memory ends. */
struct region {
	unsigned char *map, *bytes;
	size_t mapped, length;
};

static struct region region(size_t length)
{
	size_t pages = (length + PAGE - 1) / PAGE * PAGE;
	struct region r = { .mapped = pages + PAGE, .length = length };

	r.map = mmap(NULL, r.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (r.map == MAP_FAILED || mprotect(r.map + pages, PAGE, PROT_NONE))
		exit(1);
	r.bytes = r.map + pages - length;
	return r;
}

static int64_t outcome(int64_t result)
{
	return result < 0 ? -errno : result;
}

static void call_bpf(void)
{
	uint32_t command = take_u32(), size = take_u32(), length = take_u32(), count;
	struct region attr = region(length), buffers[BUFFERS_MAX];
	int64_t result;

	take(attr.bytes, length);
	count = take_u32();
	if (count > BUFFERS_MAX)
		exit(1);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t offset = take_u32();
		uint64_t address;

		buffers[i] = region(take_u32());
		take(buffers[i].bytes, buffers[i].length);
		address = (uintptr_t)buffers[i].bytes;
		/* The upper half says where the pointer lies: the attributes, or a buffer from 1. */
		if (offset >> 16 == 0)
			memcpy(attr.bytes + offset, &address, sizeof(address));
		else if (offset >> 16 <= i)
			memcpy(buffers[(offset >> 16) - 1].bytes + (offset & 0xffff), &address,
			       sizeof(address));
	}
	result = outcome(syscall(SYS_bpf, command, attr.bytes, size));
	give_result(result);
	give(attr.bytes, length);
	for (uint32_t i = 0; i < count; i++) {
		give(buffers[i].bytes, buffers[i].length);
		munmap(buffers[i].map, buffers[i].mapped);
	}
	munmap(attr.map, attr.mapped);
}

static char *take_path(void)
{
	static char paths[2][PAGE];
	static unsigned next;
	char *path = paths[next++ % 2];
	uint32_t length = take_u32();

	if (length >= PAGE)
		exit(1);
	take(path, length);
	path[length] = 0;
	return path;
}

static int64_t open_event(uint32_t type, uint64_t config)
{
	struct perf_event_attr attr = { .type = type, .size = sizeof(attr), .config = config };

	return outcome(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
}

/* Closes everything and begins with an empty bpffs. */
static int64_t reset(void)
{
	close_range(3, ~0U, 0);
	umount2(BPFFS, MNT_DETACH);
	return outcome(mount("bpf", BPFFS, "bpf", 0, "mode=0700"));
}

static void enter_namespaces(void)
{
	struct ifreq loopback = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	if (unshare(CLONE_NEWNS | CLONE_NEWNET) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("bpf", BPFFS, "bpf", 0, "mode=0700")) {
		perror("namespaces");
		exit(1);
	}
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &loopback))
		perror("loopback");
	close(fd);
}

int main(void)
{
	enter_namespaces();
	for (;;) {
		const char *path;
		uint32_t fd, length, type;
		uint64_t config;
		struct region r;

		switch (take_u32()) {
		case 0:
			call_bpf();
			break;
		case 1:
			give_result(outcome(close(take_u32())));
			break;
		case 2:
			give_result(outcome(mkdir(take_path(), 0700)));
			break;
		case 3:
			give_result(outcome(rmdir(take_path())));
			break;
		case 4:
			give_result(outcome(unlink(take_path())));
			break;
		case 5:
			path = take_path();
			give_result(outcome(rename(path, take_path())));
			break;
		case 6:
			give_result(outcome(open(take_path(), O_RDONLY | O_DIRECTORY)));
			break;
		case 7:
			give_result(reset());
			break;
		case 8:
			fd = take_u32();
			length = take_u32();
			r = region(length);
			give_result(outcome(read(fd, r.bytes, length)));
			give(r.bytes, length);
			munmap(r.map, r.mapped);
			break;
		case 9:
			type = take_u32();
			config = take_u32();
			config |= (uint64_t)take_u32() << 32;
			give_result(open_event(type, config));
			break;
		default:
			return 1;
		}
		fflush(stdout);
	}
}
