// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Kernel functions: iterators, strings, sections, exceptions.
#include "kfuncs.h"

SEC("tc")
int numbers(struct __sk_buff *ctx)
{
	struct bpf_iter_num it;
	int *number, sum = 0;

	SAY(bpf_iter_num_new(&it, -3, 5));
	while ((number = bpf_iter_num_next(&it)))
		sum = sum * 3 + *number;
	bpf_iter_num_destroy(&it);
	SAY(sum);
	SAY(bpf_iter_num_new(&it, 5, 5));
	SAY(bpf_iter_num_next(&it) != 0);
	bpf_iter_num_destroy(&it);
	SAY(bpf_iter_num_new(&it, 6, 5));
	SAY(bpf_iter_num_next(&it) != 0);
	bpf_iter_num_destroy(&it);
	SAY(bpf_iter_num_new(&it, 0, 8 * 1024 * 1024 + 1));
	bpf_iter_num_destroy(&it);
	return 0;
}

static __always_inline __u64 bits_of(__u64 *words, __u32 count)
{
	struct bpf_iter_bits it;
	__u64 sum = 0;
	int *bit, error;

	error = bpf_iter_bits_new(&it, words, count);
	while ((bit = bpf_iter_bits_next(&it)))
		sum = sum * 7 + *bit;
	bpf_iter_bits_destroy(&it);
	return error ? error : sum;
}

SEC("tc")
int bits(struct __sk_buff *ctx)
{
	__u64 words[3] = { 0x8000000000000005ull, 0, 0x10 };

	SAY(bits_of(words, 1));
	SAY(bits_of(words, 2));
	SAY(bits_of(words, 3));
	SAY(bits_of(words + 1, 1));
	SAY(bits_of(words, 0));
	SAY(bits_of(words, 512));
	return 0;
}

const char upper[] = "Some TEXT";
const char lower[] = "some text";
const char text[] = "abcabd";
const char empty[] = "";

SEC("tc")
int strings(struct __sk_buff *ctx)
{
	SAY(bpf_strcmp(upper, lower));
	SAY(bpf_strcmp(lower, upper));
	SAY(bpf_strcmp(text, text));
	SAY(bpf_strcasecmp(upper, lower));
	SAY(bpf_strchr(text, 'b'));
	SAY(bpf_strchr(text, 'x'));
	SAY(bpf_strchr(text, 0));
	SAY(bpf_strchrnul(text, 'c'));
	SAY(bpf_strchrnul(text, 'x'));
	SAY(bpf_strnchr(text, 2, 'c'));
	SAY(bpf_strnchr(text, 3, 'c'));
	SAY(bpf_strrchr(text, 'b'));
	SAY(bpf_strrchr(text, 'x'));
	SAY(bpf_strrchr(text, 0));
	SAY(bpf_strlen(text));
	SAY(bpf_strlen(empty));
	SAY(bpf_strnlen(text, 4));
	SAY(bpf_strnlen(text, 40));
	SAY(bpf_strspn(text, "ba"));
	SAY(bpf_strspn(text, empty));
	SAY(bpf_strcspn(text, "dc"));
	SAY(bpf_strcspn(text, empty));
	SAY(bpf_strstr(text, "abd"));
	SAY(bpf_strstr(text, empty));
	SAY(bpf_strstr(text, "x"));
	SAY(bpf_strnstr(text, "abd", 6));
	SAY(bpf_strnstr(text, "abd", 5));
	SAY(bpf_strnstr(text, empty, 0));
	SAY(bpf_strlen((void *)0));
	SAY(bpf_strcmp(text, (void *)8));
	return 0;
}

SEC("tc")
int sections(struct __sk_buff *ctx)
{
	unsigned long outer, inner;

	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	bpf_preempt_disable();
	bpf_preempt_disable();
	bpf_preempt_enable();
	bpf_preempt_enable();
	bpf_local_irq_save(&outer);
	bpf_local_irq_save(&inner);
	bpf_local_irq_restore(&inner);
	bpf_local_irq_restore(&outer);
	SAY(1);
	return 0;
}

static __noinline int deep(struct __sk_buff *ctx)
{
	if (ctx->len & 1)
		bpf_throw(ctx->len);
	return 3;
}

SEC("tc")
int throws(struct __sk_buff *ctx)
{
	SAY(1);
	deep(ctx);
	SAY(2);
	return 1;
}

__noinline int caught(__u64 cookie)
{
	SAY(cookie);
	return cookie & 1;
}

SEC("tc")
__attribute__((btf_decl_tag("exception_callback:caught")))
int throws_to_callback(struct __sk_buff *ctx)
{
	deep(ctx);
	return 2;
}
