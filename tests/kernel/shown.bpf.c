// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Values shown by the kernel's types. Only their names matter here: the types are the running kernel's,
// the bytes a pattern.
#include "results.h"

#define TEXT_BYTES 2048
#define BYTES 8192

char text[TEXT_BYTES] SEC(".bss.text");
__u8 bytes[BYTES] SEC(".data.bytes") = { 1 };

enum { TYPE_ID_TARGET = 1 };
enum { COMPACT = 1, NONAME = 2, PTR_RAW = 4, ZERO = 8 };

/* Clears the text so that runs do not see each other's. */
static __always_inline long show(void *at, __u32 type, __u32 size, __u64 flags)
{
	struct btf_ptr ptr = { .ptr = at, .type_id = type };

	return bpf_snprintf_btf(text, size, &ptr, sizeof(ptr), flags);
}

#define TYPE(type) __builtin_btf_type_id(*(type *)0, TYPE_ID_TARGET)

static long fill(__u32 at, void *pattern)
{
	__u32 kind = *(__u32 *)pattern;

	bytes[at & (BYTES - 1)] = kind == 0 ? 0 :
			    kind == 1 ? at * 37 + 11 :
			    kind == 2 ? (at % 9 == 4 ? at : 0) :
			    kind == 3 ? 'a' + at % 26 :
					(at == kind ? 200 : 0);
	return 0;
}

#define SHOWN(name, type, pattern, flags) \
	SEC("syscall") \
	int name(void *ctx) \
	{ \
		__u32 kind = pattern; \
 \
		bpf_loop(BYTES, fill, &kind, 0); \
		results[0] = show(bytes, TYPE(type), sizeof(text), flags); \
		return 0; \
	}

#define EACH_FLAG(name, type, pattern) \
	SHOWN(name##_plain, type, pattern, PTR_RAW) \
	SHOWN(name##_compact, type, pattern, PTR_RAW | COMPACT) \
	SHOWN(name##_noname, type, pattern, PTR_RAW | NONAME) \
	SHOWN(name##_zero, type, pattern, PTR_RAW | ZERO) \
	SHOWN(name##_all, type, pattern, PTR_RAW | ZERO | COMPACT | NONAME)

#define EACH_PATTERN(name, type) \
	EACH_FLAG(name##_zeroes, type, 0) \
	EACH_FLAG(name##_bytes, type, 1) \
	EACH_FLAG(name##_sparse, type, 2) \
	EACH_FLAG(name##_letters, type, 3)

/* What is said here of a type is the least that a relocation wants. */
struct sysinfo { int any; };
struct perf_event_attr { int any; };
struct thread_struct { int any; };
struct task_struct { int any; };
struct files_struct { int any; };
struct sk_buff { int any; };
struct rt_prio_array { int any; };
struct hrtimer_cpu_base { int any; };
typedef struct { int any; } spinlock_t;

EACH_PATTERN(insn, struct bpf_insn)
EACH_PATTERN(context, struct __sk_buff)
EACH_FLAG(route, struct bpf_fib_lookup, 2)
EACH_PATTERN(attributes, union bpf_attr)
EACH_FLAG(map_info, struct bpf_map_info, 3)
EACH_PATTERN(event, struct perf_event_attr)
EACH_PATTERN(sums, struct sysinfo)
EACH_FLAG(thread, struct thread_struct, 2)
EACH_FLAG(files, struct files_struct, 2)
EACH_FLAG(packet, struct sk_buff, 2)
EACH_FLAG(priorities, struct rt_prio_array, 2)
EACH_FLAG(timers, struct hrtimer_cpu_base, 2)
EACH_FLAG(task, struct task_struct, 2)
EACH_FLAG(kind, enum bpf_map_type, 0)
EACH_FLAG(kind_without_name, enum bpf_map_type, 1)
EACH_FLAG(number, int, 1)
EACH_FLAG(no_number, int, 0)
EACH_FLAG(letter, char, 3)
EACH_FLAG(alias, __be32, 1)
EACH_FLAG(lock, spinlock_t, 1)
EACH_FLAG(truth, _Bool, 4)
EACH_FLAG(last_byte, union bpf_attr, 47)

SEC("syscall")
int refusals(void *ctx)
{
	__u32 type = TYPE(struct bpf_insn);
	struct btf_ptr ptr = { .ptr = bytes, .type_id = type };

	SAY(show(bytes, type, 1, 0));
	SAY(show(bytes, type, 10, 0));
	SAY(show(bytes, type, 64, 16));
	SAY(show(bytes, type, 64, -1));
	SAY(show(bytes, 0, 64, 0));
	SAY(show(bytes, -1, 64, 0));
	SAY(show(bytes, 0x7fffffff, 64, 0));
	SAY(show(0, type, 64, 0));
	SAY(show((void *)8, type, 64, 0));
	SAY(bpf_snprintf_btf(text, 64, &ptr, sizeof(ptr) - 4, 0));
	SAY(bpf_snprintf_btf(text, 64, &ptr, 8, 0));
	return 0;
}
